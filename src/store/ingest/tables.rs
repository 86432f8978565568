//! Which table a row belongs to, and which of its columns a key means.
use super::cells::Raw;
use crate::catalog::{self, ALERTS, ColumnDef, TIME_GENERATED, TIMESTAMP, Table, renamed};
use crate::types::Type;
use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::LazyLock;

/// A table by the name that the input or the user gives it, old names among them.
pub fn named(name: &str) -> Option<&'static Table> {
    let name = renamed::table(name);
    if name == ALERTS.name { Some(&ALERTS) } else { catalog::table(name) }
}

/// Whether an object is an alert of the alerts API.
pub fn is_alert(members: &[(Cow<'_, str>, Raw<'_>)]) -> bool {
    let has = |wanted: &str| members.iter().any(|(key, raw)| key == wanted && !raw.is_absent());
    has("id") && has("alertCreationTime")
}

/// The names by which a column may stand in an input, the likeliest first: its own, its name of before 2020, the name
/// of the log workspace, and what is left without the marks that unions (`ReportId_long`) and workspace exports
/// (`TimeGenerated [UTC]`) put behind it.
fn aliases(key: &str) -> impl Iterator<Item = &str> {
    let bare = key.strip_suffix(" [UTC]").unwrap_or(key);
    let untyped = bare.rsplit_once('_').filter(|(_, ty)| Type::from_name(ty).is_some()).map(|(name, _)| name);
    let present = |name| match name {
        TIME_GENERATED => TIMESTAMP,
        name => renamed::column(name),
    };
    [Some(key), Some(present(bare)), Some(bare), untyped, untyped.map(present)].into_iter().flatten()
}

/// The stored column that a key means, and whether the key is exactly its name.
pub fn column(columns: &[&ColumnDef], key: &str) -> Option<(usize, bool)> {
    let position = |name: &str| columns.iter().position(|column| column.name == name);
    if let Some(found) = aliases(key).find_map(position) {
        return Some((found, columns[found].name == key));
    }
    let loosely = columns.iter().position(|column| column.name.eq_ignore_ascii_case(key));
    loosely.map(|found| (found, false))
}

/// The tables that have a column of this name, as bits in the order of the catalogue.
static HOLDERS: LazyLock<HashMap<&'static str, u128>> = LazyLock::new(|| {
    let mut holders = HashMap::new();
    for (bit, table) in catalog::all().enumerate() {
        for column in table.columns {
            *holders.entry(column.name).or_default() |= 1 << bit;
        }
    }
    holders
});

/// Whether a name is a column of any hunting table.
pub fn is_known_column(key: &str) -> bool {
    aliases(key).any(|name| HOLDERS.contains_key(name))
}

/// Finds the table of rows that do not say it, by their columns. One answer is kept for each set of columns.
#[derive(Debug, Default)]
pub struct Guesses {
    answers: HashMap<u64, Option<&'static Table>>,
}

impl Guesses {
    /// The table whose columns these are, where one fits clearly best. `hint` is a table that the input's own name
    /// speaks of.
    pub fn table(
        &mut self,
        keys: impl Iterator<Item = (impl AsRef<str>, bool)> + Clone,
        hint: Option<&'static Table>,
    ) -> Option<&'static Table> {
        let mut hasher = DefaultHasher::new();
        hint.map(|table| table.name).hash(&mut hasher);
        for (key, filled) in keys.clone() {
            key.as_ref().hash(&mut hasher);
            filled.hash(&mut hasher);
        }
        let answer = || best(keys.map(|(key, filled)| (holders(key.as_ref()), filled)).collect(), hint);
        // Inputs whose rows differ endlessly shall not fill the memory.
        if self.answers.len() > 10_000 {
            return answer();
        }
        *self.answers.entry(hasher.finish()).or_insert_with(answer)
    }
}

fn holders(key: &str) -> u128 {
    aliases(key).find_map(|name| HOLDERS.get(name)).copied().unwrap_or(0)
}

/// The table that fits best: the one with most of the filled columns; among several, the one whose columns the row has
/// most exactly. It must have half of the filled columns, and the row half of its columns.
fn best(keys: Vec<(u128, bool)>, hint: Option<&'static Table>) -> Option<&'static Table> {
    let filled = keys.iter().filter(|(_, filled)| *filled).count();
    let mut fits: Vec<(usize, usize, &'static Table)> = Vec::new();
    for (bit, table) in catalog::all().enumerate() {
        let has = |holders: u128| holders >> bit & 1 == 1;
        let hit = keys.iter().filter(|(holders, filled)| *filled && has(*holders)).count();
        let all = keys.iter().filter(|(holders, _)| has(*holders)).count();
        let either = table.columns.len() + keys.len() - all.min(table.columns.len());
        let hinted = hint.is_some_and(|hint| hint.name == table.name);
        if hinted && hit * 2 >= filled && hit > 0 {
            return Some(table);
        }
        if hit > 0 && hit * 2 >= filled && all * 2 >= table.columns.len() {
            fits.push((hit, all * 10_000 / either, table));
        }
    }
    let best = fits.iter().map(|(hit, likeness, _)| (*hit, *likeness)).max()?;
    let mut tables = fits.into_iter().filter(|(hit, likeness, _)| (*hit, *likeness) == best);
    let (_, _, table) = tables.next()?;
    tables.next().is_none().then_some(table)
}

/// The one table that a path speaks of: `…/AdvancedHunting-DeviceEvents/…`, `DeviceEvents_2020.csv`.
pub fn in_path(path: &str) -> Option<&'static Table> {
    let mut found: Option<&'static Table> = None;
    for part in path.rsplit(['/', '\\']) {
        for word in part.split(|c: char| !c.is_ascii_alphanumeric()) {
            if let Some(table) = catalog::table(renamed::table(word)) {
                match found {
                    Some(other) if other.name != table.name => return None,
                    _ => found = Some(table),
                }
            }
        }
        if found.is_some() {
            break;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guess(keys: &[&str], path: &str) -> Option<&'static str> {
        let keys = keys.iter().map(|key| (*key, true));
        Guesses::default().table(keys, in_path(path)).map(|table| table.name)
    }

    #[test]
    fn tables_are_known_by_their_columns() {
        for table in catalog::all() {
            let keys: Vec<_> = table.columns.iter().map(|column| column.name).collect();
            let same = |other: &&Table| {
                other.columns.len() == keys.len() && keys.iter().all(|key| other.column(key).is_some())
            };
            let only = catalog::all().filter(same).count() == 1;
            assert_eq!(guess(&keys, ""), only.then_some(table.name), "{}", table.name);
        }
        assert_eq!(guess(&["Timestamp", "DeviceName", "FileName"], ""), None);
        assert_eq!(guess(&["Timestamp", "DeviceName"], "a/DeviceFileEvents.csv"), Some("DeviceFileEvents"));
        assert_eq!(
            guess(
                &[
                    "AlertId",
                    "EventTime",
                    "MachineId",
                    "ComputerName",
                    "Severity",
                    "Category",
                    "Title",
                    "FileName",
                    "SHA1"
                ],
                ""
            ),
            Some("DeviceAlertEvents")
        );
        assert_eq!(guess(&["fruit", "colour"], ""), None);
    }

    #[test]
    fn a_key_means_a_column_by_any_of_its_names() {
        let columns: Vec<_> = catalog::table("DeviceEvents").unwrap().stored_columns().collect();
        let name = |key| column(&columns, key).map(|(at, exact)| (columns[at].name, exact));
        assert_eq!(name("ReportId"), Some(("ReportId", true)));
        assert_eq!(name("ReportId_long"), Some(("ReportId", false)));
        assert_eq!(name("TimeGenerated [UTC]"), Some(("Timestamp", false)));
        assert_eq!(name("ComputerName"), Some(("DeviceName", false)));
        assert_eq!(name("sha1"), Some(("SHA1", false)));
        assert_eq!(name("Colour"), None);
    }
}
