//! Names that tables and columns had before 2020, still found in old exports.

/// The present name of a table that an old export may call otherwise.
pub fn table(name: &str) -> &str {
    TABLES.iter().find(|(old, _)| *old == name).map_or(name, |(_, new)| new)
}

/// The present name of a column that an old export may call otherwise.
pub fn column(name: &str) -> &str {
    COLUMNS.iter().find(|(old, _)| *old == name).map_or(name, |(_, new)| new)
}

const TABLES: &[(&str, &str)] = &[
    ("AlertEvents", "DeviceAlertEvents"),
    ("MachineInfo", "DeviceInfo"),
    ("MachineNetworkInfo", "DeviceNetworkInfo"),
    ("ProcessCreationEvents", "DeviceProcessEvents"),
    ("NetworkCommunicationEvents", "DeviceNetworkEvents"),
    ("FileCreationEvents", "DeviceFileEvents"),
    ("RegistryEvents", "DeviceRegistryEvents"),
    ("LogonEvents", "DeviceLogonEvents"),
    ("ImageLoadEvents", "DeviceImageLoadEvents"),
    ("MiscEvents", "DeviceEvents"),
];

const COLUMNS: &[(&str, &str)] =
    &[("EventTime", "Timestamp"), ("MachineId", "DeviceId"), ("ComputerName", "DeviceName")];
