//! Units of measure, and sizes in words.
//! <https://learn.microsoft.com/kusto/query/convert-length-function>
use super::arguments::{made, row, text};
use super::{Call, Function, Gives, Param, one, optional};
use crate::types::{Type, Types};
use crate::value::{Value, convert, real};

/// A unit: so many (the first number, over the second) of the measure's base unit.
type Unit = (&'static str, f64, f64);

const TAKES: &[Param] = &[one("value", Types::REAL), one("from", Types::STRING), one("to", Types::STRING)];

pub const FUNCTIONS: &[Function] = &[
    row(
        &["convert_angle"],
        "An angle in another unit.",
        TAKES,
        Gives::Always(Type::Real),
        |_, args| converted(args, ANGLES),
        &[("convert_angle(1.2, 'Degree', 'Arcminute')", "72.0")],
    ),
    row(
        &["convert_energy"],
        "An energy in another unit.",
        TAKES,
        Gives::Always(Type::Real),
        |_, args| converted(args, ENERGIES),
        &[("convert_energy(2, 'Kilojoule', 'Joule')", "2000.0")],
    ),
    row(
        &["convert_force"],
        "A force in another unit.",
        TAKES,
        Gives::Always(Type::Real),
        |_, args| converted(args, FORCES),
        &[("convert_force(2, 'Kilonewton', 'Newton')", "2000.0")],
    ),
    row(
        &["convert_length"],
        "A length in another unit.",
        TAKES,
        Gives::Always(Type::Real),
        |_, args| converted(args, LENGTHS),
        &[
            ("convert_length(1.2, 'Meter', 'Foot')", "3.9370078740157479"),
            ("convert_length(1, 'Meter', 'Spoon')", "null"),
        ],
    ),
    row(
        &["convert_mass"],
        "A mass in another unit.",
        TAKES,
        Gives::Always(Type::Real),
        |_, args| converted(args, MASSES),
        &[("convert_mass(2, 'Kilogram', 'Gram')", "2000.0")],
    ),
    row(
        &["convert_speed"],
        "A speed in another unit.",
        TAKES,
        Gives::Always(Type::Real),
        |_, args| converted(args, SPEEDS),
        &[("convert_speed(1.2, 'MeterPerSecond', 'CentimeterPerHour')", "432000.0")],
    ),
    row(
        &["convert_volume"],
        "A volume in another unit.",
        TAKES,
        Gives::Always(Type::Real),
        |_, args| converted(args, VOLUMES),
        &[("convert_volume(2, 'CubicMeter', 'Liter')", "2000.0")],
    ),
    row(
        &["convert_temperature"],
        "A temperature on another scale.",
        TAKES,
        Gives::Always(Type::Real),
        temperature,
        &[("convert_temperature(1.2, 'Kelvin', 'DegreeCelsius')", "-271.95")],
    ),
    row(
        &["format_bytes"],
        "A size in bytes in words: in the unit that fits, or in the one asked for, with so many digits after \
         the point.",
        &[
            one("size", Types::NUMBER),
            optional("precision", Types::NUMBER).constant(),
            optional("format", Types::STRING).constant(),
        ],
        Gives::Always(Type::String),
        format_bytes,
        &[
            ("format_bytes(564)", "564 Bytes"),
            ("format_bytes(10332, 1)", "10.1 KB"),
            ("format_bytes(20010332)", "19 MB"),
            ("format_bytes(20010332, 0, 'KB')", "19541 KB"),
        ],
    ),
];

const DEGREE: f64 = 180.0;
const PI: f64 = std::f64::consts::PI;

/// In degrees.
const ANGLES: &[Unit] = &[
    ("Degree", 1.0, 1.0),
    ("Arcminute", 1.0, 60.0),
    ("Arcsecond", 1.0, 3600.0),
    ("Radian", DEGREE, PI),
    ("Deciradian", DEGREE, PI * 1e1),
    ("Centiradian", DEGREE, PI * 1e2),
    ("Milliradian", DEGREE, PI * 1e3),
    ("Microradian", DEGREE, PI * 1e6),
    ("Nanoradian", DEGREE, PI * 1e9),
    ("Gradian", 0.9, 1.0),
    ("Revolution", 360.0, 1.0),
    ("Microdegree", 1.0, 1e6),
    ("Millidegree", 1.0, 1e3),
    ("Nanodegree", 1.0, 1e9),
    ("NatoMil", 9.0, 160.0),
    ("Tilt", DEGREE, PI),
];

/// In joules.
const ENERGIES: &[Unit] = &[
    ("Joule", 1.0, 1.0),
    ("Kilojoule", 1e3, 1.0),
    ("Megajoule", 1e6, 1.0),
    ("Gigajoule", 1e9, 1.0),
    ("Millijoule", 1.0, 1e3),
    ("Calorie", 4.184, 1.0),
    ("Kilocalorie", 4184.0, 1.0),
    ("Megacalorie", 4.184e6, 1.0),
    ("WattHour", 3600.0, 1.0),
    ("KilowattHour", 3.6e6, 1.0),
    ("MegawattHour", 3.6e9, 1.0),
    ("GigawattHour", 3.6e12, 1.0),
    ("TerawattHour", 3.6e15, 1.0),
    ("WattDay", 86_400.0, 1.0),
    ("KilowattDay", 8.64e7, 1.0),
    ("MegawattDay", 8.64e10, 1.0),
    ("GigawattDay", 8.64e13, 1.0),
    ("BritishThermalUnit", 1055.05585262, 1.0),
    ("KilobritishThermalUnit", 1.05505585262e6, 1.0),
    ("MegabritishThermalUnit", 1.05505585262e9, 1.0),
    ("ElectronVolt", 1.602176565e-19, 1.0),
    ("KiloelectronVolt", 1.602176565e-16, 1.0),
    ("MegaelectronVolt", 1.602176565e-13, 1.0),
    ("Erg", 1.0, 1e7),
    ("FootPound", 1.355817948, 1.0),
    ("HorsepowerHour", 2.6845195377e6, 1.0),
];

/// In newtons.
const FORCES: &[Unit] = &[
    ("Newton", 1.0, 1.0),
    ("Decanewton", 1e1, 1.0),
    ("Kilonewton", 1e3, 1.0),
    ("Meganewton", 1e6, 1.0),
    ("Millinewton", 1.0, 1e3),
    ("Micronewton", 1.0, 1e6),
    ("Dyn", 1.0, 1e5),
    ("KilogramForce", 9.80665, 1.0),
    ("KiloPond", 9.80665, 1.0),
    ("TonneForce", 9806.65, 1.0),
    ("PoundForce", 4.4482216152605, 1.0),
    ("KilopoundForce", 4448.2216152605, 1.0),
    ("OunceForce", 0.2780138509537812, 1.0),
    ("ShortTonForce", 8896.443230521, 1.0),
    ("Poundal", 0.138254954376, 1.0),
];

/// In metres.
const LENGTHS: &[Unit] = &[
    ("Meter", 1.0, 1.0),
    ("Angstrom", 1.0, 1e10),
    ("AstronomicalUnit", 1.495978707e11, 1.0),
    ("Centimeter", 1.0, 1e2),
    ("Chain", 20.1168, 1.0),
    ("DataMile", 1828.8, 1.0),
    ("Decameter", 1e1, 1.0),
    ("Decimeter", 1.0, 1e1),
    ("Fathom", 1.8288, 1.0),
    ("Foot", 0.3048, 1.0),
    ("Hand", 0.1016, 1.0),
    ("Hectometer", 1e2, 1.0),
    ("Inch", 0.0254, 1.0),
    ("Kilofoot", 304.8, 1.0),
    ("KilolightYear", 9.46073047258e18, 1.0),
    ("Kilometer", 1e3, 1.0),
    ("Kiloparsec", 3.08567758128e19, 1.0),
    ("LightYear", 9.46073047258e15, 1.0),
    ("MegalightYear", 9.46073047258e21, 1.0),
    ("Megameter", 1e6, 1.0),
    ("Megaparsec", 3.08567758128e22, 1.0),
    ("Microinch", 2.54e-8, 1.0),
    ("Micrometer", 1.0, 1e6),
    ("Mil", 2.54e-5, 1.0),
    ("Mile", 1609.344, 1.0),
    ("Millimeter", 1.0, 1e3),
    ("Nanometer", 1.0, 1e9),
    ("NauticalMile", 1852.0, 1.0),
    ("Parsec", 3.08567758128e16, 1.0),
    ("Shackle", 27.432, 1.0),
    ("SolarRadius", 6.95510e8, 1.0),
    ("Twip", 0.0254, 1440.0),
    ("UsSurveyFoot", 1200.0, 3937.0),
    ("Yard", 0.9144, 1.0),
];

/// In kilograms.
const MASSES: &[Unit] = &[
    ("Kilogram", 1.0, 1.0),
    ("Centigram", 1.0, 1e5),
    ("Decagram", 1.0, 1e2),
    ("Decigram", 1.0, 1e4),
    ("EarthMass", 5.9722e24, 1.0),
    ("Grain", 6.479891e-5, 1.0),
    ("Gram", 1.0, 1e3),
    ("Hectogram", 1.0, 1e1),
    ("Kilopound", 453.59237, 1.0),
    ("Kilotonne", 1e6, 1.0),
    ("LongHundredweight", 50.80234544, 1.0),
    ("LongTon", 1016.0469088, 1.0),
    ("Megapound", 453_592.37, 1.0),
    ("Megatonne", 1e9, 1.0),
    ("Microgram", 1.0, 1e9),
    ("Milligram", 1.0, 1e6),
    ("Nanogram", 1.0, 1e12),
    ("Ounce", 0.028349523125, 1.0),
    ("Pound", 0.45359237, 1.0),
    ("ShortHundredweight", 45.359237, 1.0),
    ("ShortTon", 907.18474, 1.0),
    ("Slug", 14.593903, 1.0),
    ("SolarMass", 1.98947e30, 1.0),
    ("Stone", 6.35029318, 1.0),
    ("Tonne", 1e3, 1.0),
];

/// In metres a second.
const SPEEDS: &[Unit] = &[
    ("MeterPerSecond", 1.0, 1.0),
    ("CentimeterPerHour", 1.0, 360_000.0),
    ("CentimeterPerMinute", 1.0, 6000.0),
    ("CentimeterPerSecond", 1.0, 1e2),
    ("DecimeterPerMinute", 1.0, 600.0),
    ("DecimeterPerSecond", 1.0, 1e1),
    ("FootPerHour", 0.3048, 3600.0),
    ("FootPerMinute", 0.3048, 60.0),
    ("FootPerSecond", 0.3048, 1.0),
    ("InchPerHour", 0.0254, 3600.0),
    ("InchPerMinute", 0.0254, 60.0),
    ("InchPerSecond", 0.0254, 1.0),
    ("KilometerPerHour", 1.0, 3.6),
    ("KilometerPerMinute", 1e3, 60.0),
    ("KilometerPerSecond", 1e3, 1.0),
    ("Knot", 1852.0, 3600.0),
    ("MeterPerHour", 1.0, 3600.0),
    ("MeterPerMinute", 1.0, 60.0),
    ("MicrometerPerMinute", 1.0, 6e7),
    ("MicrometerPerSecond", 1.0, 1e6),
    ("MilePerHour", 0.44704, 1.0),
    ("MillimeterPerHour", 1.0, 3.6e6),
    ("MillimeterPerMinute", 1.0, 6e4),
    ("MillimeterPerSecond", 1.0, 1e3),
    ("NanometerPerMinute", 1.0, 6e10),
    ("NanometerPerSecond", 1.0, 1e9),
    ("YardPerHour", 0.9144, 3600.0),
    ("YardPerMinute", 0.9144, 60.0),
    ("YardPerSecond", 0.9144, 1.0),
];

/// In cubic metres.
const VOLUMES: &[Unit] = &[
    ("CubicMeter", 1.0, 1.0),
    ("AcreFoot", 1.0, 0.000810714),
    ("Centiliter", 1.0, 1e5),
    ("CubicCentimeter", 1.0, 1e6),
    ("CubicDecimeter", 1.0, 1e3),
    ("CubicFoot", 0.028316846592, 1.0),
    ("CubicHectometer", 1e6, 1.0),
    ("CubicInch", 1.6387064e-5, 1.0),
    ("CubicKilometer", 1e9, 1.0),
    ("CubicMicrometer", 1.0, 1e18),
    ("CubicMile", 4.168181825440579e9, 1.0),
    ("CubicMillimeter", 1.0, 1e9),
    ("CubicYard", 0.764554857984, 1.0),
    ("Deciliter", 1.0, 1e4),
    ("Hectoliter", 1.0, 1e1),
    ("ImperialGallon", 0.00454609, 1.0),
    ("ImperialOunce", 2.84130625e-5, 1.0),
    ("ImperialPint", 5.6826125e-4, 1.0),
    ("Kiloliter", 1.0, 1.0),
    ("Liter", 1.0, 1e3),
    ("Megaliter", 1e3, 1.0),
    ("MetricCup", 2.5e-4, 1.0),
    ("MetricTeaspoon", 5e-6, 1.0),
    ("Microliter", 1.0, 1e9),
    ("Milliliter", 1.0, 1e6),
    ("OilBarrel", 0.158987294928, 1.0),
    ("UsCustomaryCup", 2.365882365e-4, 1.0),
    ("UsGallon", 0.003785411784, 1.0),
    ("UsOunce", 2.95735295625e-5, 1.0),
    ("UsPint", 4.73176473e-4, 1.0),
    ("UsQuart", 9.46352946e-4, 1.0),
    ("UsTablespoon", 1.478676478125e-5, 1.0),
    ("UsTeaspoon", 4.92892159375e-6, 1.0),
];

fn converted<'a>(args: &[Value<'a>], units: &[Unit]) -> Value<'a> {
    let unit = |at: usize| {
        let name = text(args, at);
        units.iter().find(|unit| unit.0.eq_ignore_ascii_case(&name))
    };
    match (convert::real(&args[0]), unit(1), unit(2)) {
        (Some(x), Some(from), Some(to)) => Value::Real(x * from.1 / from.2 * to.2 / to.1),
        _ => Value::Null,
    }
}

fn temperature<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    let Some(x) = convert::real(&args[0]) else { return Value::Null };
    let kelvin = match text(args, 1).to_ascii_lowercase().as_str() {
        "kelvin" => x,
        "degreecelsius" => x + 273.15,
        "degreefahrenheit" => x * 5.0 / 9.0 + 459.67 * 5.0 / 9.0,
        "degreerankine" => x * 5.0 / 9.0,
        "degreedelisle" => x * -2.0 / 3.0 + 373.15,
        "degreenewton" => x * 100.0 / 33.0 + 273.15,
        "degreereaumur" => x * 5.0 / 4.0 + 273.15,
        "degreeroemer" => x * 40.0 / 21.0 + 273.15 - 7.5 * 40.0 / 21.0,
        _ => return Value::Null,
    };
    Value::Real(match text(args, 2).to_ascii_lowercase().as_str() {
        "kelvin" => kelvin,
        "degreecelsius" => kelvin - 273.15,
        "degreefahrenheit" => (kelvin - 459.67 * 5.0 / 9.0) * 9.0 / 5.0,
        "degreerankine" => kelvin * 9.0 / 5.0,
        "degreedelisle" => (kelvin - 373.15) * -3.0 / 2.0,
        "degreenewton" => (kelvin - 273.15) * 33.0 / 100.0,
        "degreereaumur" => (kelvin - 273.15) * 4.0 / 5.0,
        "degreeroemer" => (kelvin - (273.15 - 7.5 * 40.0 / 21.0)) * 21.0 / 40.0,
        _ => return Value::Null,
    })
}

fn format_bytes<'a>(_: &Call<'_>, args: &[Value<'a>]) -> Value<'a> {
    const NAMES: [&str; 7] = ["Bytes", "KB", "MB", "GB", "TB", "PB", "EB"];
    let Some(size) = convert::real(&args[0]).filter(|size| size.is_finite()) else { return Value::string("") };
    let precision = args.get(1).and_then(convert::long).unwrap_or(0).clamp(0, 15) as i32;
    let wanted = text(args, 2);
    let step = NAMES.iter().position(|name| name.eq_ignore_ascii_case(&wanted));
    let step = step.unwrap_or_else(|| {
        let fits = |step: &usize| size.abs() < 1024f64.powi(*step as i32 + 1);
        (0..NAMES.len()).find(fits).unwrap_or(NAMES.len() - 1)
    });
    let scale = 10f64.powi(precision);
    let number = (size / 1024f64.powi(step as i32) * scale).round() / scale;
    let number = real::text(number);
    made(format!("{} {}", number.strip_suffix(".0").unwrap_or(&number), NAMES[step]))
}
