//! Places on Earth: points, lines and polygons as GeoJSON, cells of three grids. The Earth is a sphere and edges are
//! geodesics, as in the S2 library, which the reference engine uses.
//! <https://learn.microsoft.com/kusto/query/geospatial-grid-systems>
pub mod cells;
pub mod lines;
mod overlay;
pub mod places;
#[cfg(test)]
pub mod places_test;
pub mod points;
pub mod polygons;
mod s2;
mod shapes;
mod sphere;
