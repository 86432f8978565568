//! Software, vulnerabilities, configuration and baselines of devices.
use super::{ColumnDef, Table, column};
use crate::types::Type::*;

pub(super) const TABLES: &[Table] = &[
    Table {
        name: "DeviceBaselineComplianceAssessment",
        doc: "how devices stand against the settings of security baselines",
        columns: DEVICE_BASELINE_COMPLIANCE_ASSESSMENT,
    },
    Table {
        name: "DeviceBaselineComplianceAssessmentKB",
        doc: "settings of security baselines, explained",
        columns: DEVICE_BASELINE_COMPLIANCE_ASSESSMENTKB,
    },
    Table {
        name: "DeviceBaselineComplianceProfiles",
        doc: "baseline profiles that devices are measured by",
        columns: DEVICE_BASELINE_COMPLIANCE_PROFILES,
    },
    Table {
        name: "DeviceTvmBrowserExtensions",
        doc: "browser extensions on devices",
        columns: DEVICE_TVM_BROWSER_EXTENSIONS,
    },
    Table {
        name: "DeviceTvmBrowserExtensionsKB",
        doc: "browser extensions and their permissions, explained",
        columns: DEVICE_TVM_BROWSER_EXTENSIONSKB,
    },
    Table {
        name: "DeviceTvmCertificateInfo",
        doc: "certificates installed on devices",
        columns: DEVICE_TVM_CERTIFICATE_INFO,
    },
    Table {
        name: "DeviceTvmHardwareFirmware",
        doc: "hardware and firmware of devices",
        columns: DEVICE_TVM_HARDWARE_FIRMWARE,
    },
    Table {
        name: "DeviceTvmInfoGathering",
        doc: "facts gathered from devices by vulnerability management",
        columns: DEVICE_TVM_INFO_GATHERING,
    },
    Table {
        name: "DeviceTvmInfoGatheringKB",
        doc: "facts gathered by vulnerability management, explained",
        columns: DEVICE_TVM_INFO_GATHERINGKB,
    },
    Table {
        name: "DeviceTvmSecureConfigurationAssessment",
        doc: "how devices stand against secure settings",
        columns: DEVICE_TVM_SECURE_CONFIGURATION_ASSESSMENT,
    },
    Table {
        name: "DeviceTvmSecureConfigurationAssessmentKB",
        doc: "secure settings, explained",
        columns: DEVICE_TVM_SECURE_CONFIGURATION_ASSESSMENTKB,
    },
    Table {
        name: "DeviceTvmSoftwareEvidenceBeta",
        doc: "where software was found on devices",
        columns: DEVICE_TVM_SOFTWARE_EVIDENCE_BETA,
    },
    Table {
        name: "DeviceTvmSoftwareInventory",
        doc: "software installed on devices",
        columns: DEVICE_TVM_SOFTWARE_INVENTORY,
    },
    Table {
        name: "DeviceTvmSoftwareVulnerabilities",
        doc: "vulnerabilities found on devices",
        columns: DEVICE_TVM_SOFTWARE_VULNERABILITIES,
    },
    Table {
        name: "DeviceTvmSoftwareVulnerabilitiesKB",
        doc: "vulnerabilities, explained",
        columns: DEVICE_TVM_SOFTWARE_VULNERABILITIESKB,
    },
];

const DEVICE_BASELINE_COMPLIANCE_ASSESSMENT: &[ColumnDef] = &[
    column("DeviceId", String, "identifier of the device in the service"),
    column("DeviceName", String, "full DNS name of the device"),
    column("OSPlatform", String, "family of the operating system"),
    column("OSVersion", String, "version of the operating system"),
    column("ConfigurationId", String, "identifier of the setting"),
    column("ProfileId", String, "identifier of the profile"),
    column("IsCompliant", Bool, "whether it complies"),
    column("IsApplicable", Bool, "whether the setting applies to the device"),
    column("Source", Dynamic, "where the finding comes from"),
    column("RecommendedValue", Dynamic, "value that the setting ought to have"),
    column("CurrentValue", Dynamic, "value that the setting has"),
    column("IsExempt", Bool, "whether the device is exempt from the setting"),
];

const DEVICE_BASELINE_COMPLIANCE_ASSESSMENTKB: &[ColumnDef] = &[
    column("ConfigurationId", String, "identifier of the setting"),
    column("ConfigurationName", String, "name of the setting"),
    column("ConfigurationDescription", String, "description of the setting"),
    column("ConfigurationRationale", String, "why the setting matters"),
    column("ConfigurationCategory", String, "group of settings"),
    column("BenchmarkProfileLevels", Dynamic, "levels within the benchmark, JSON"),
    column("CCEReference", String, "entry in the Common Configuration Enumeration"),
    column("RemediationOptions", String, "ways to put it right"),
    column("ConfigurationBenchmark", String, "benchmark that names the setting"),
    column("Source", Dynamic, "where the finding comes from"),
    column("RecommendedValue", Dynamic, "value that the setting ought to have"),
];

const DEVICE_BASELINE_COMPLIANCE_PROFILES: &[ColumnDef] = &[
    column("ProfileId", String, "identifier of the profile"),
    column("ProfileName", String, "name of the profile"),
    column("ProfileDescription", String, "description of the profile"),
    column("OSPlatform", Dynamic, "family of the operating system"),
    column("OSVersion", String, "version of the operating system"),
    column("BaseBenchmark", String, "benchmark that the profile is made from"),
    column("BenchmarkVersion", String, "version of the benchmark"),
    column("BenchmarkProfileLevel", String, "level within the benchmark"),
    column("Status", Bool, "state"),
    column("CreatedBy", String, "who made it"),
    column("CreatedOn", Datetime, "when it was made"),
    column("LastUpdatedBy", String, "who changed it last"),
    column("LastUpdatedOn", Datetime, "when it was changed last"),
];

const DEVICE_TVM_BROWSER_EXTENSIONS: &[ColumnDef] = &[
    column("DeviceId", String, "identifier of the device in the service"),
    column("BrowserName", String, "name of the browser"),
    column("ExtensionId", String, "identifier of the browser extension"),
    column("ExtensionName", String, "name of the browser extension"),
    column("ExtensionDescription", String, "description of the browser extension"),
    column("ExtensionVersion", String, "version of the browser extension"),
    column("ExtensionRisk", String, "how risky the browser extension is"),
    column("ExtensionVendor", String, "maker of the browser extension"),
    column("IsActivated", String, "whether the extension is turned on"),
    column("InstallationTime", Datetime, "when it was installed"),
];

const DEVICE_TVM_BROWSER_EXTENSIONSKB: &[ColumnDef] = &[
    column("BrowserName", String, "name of the browser"),
    column("ExtensionId", String, "identifier of the browser extension"),
    column("ExtensionName", String, "name of the browser extension"),
    column("ExtensionDescription", String, "description of the browser extension"),
    column("ExtensionVersion", Dynamic, "version of the browser extension"),
    column("ExtensionRisk", String, "how risky the browser extension is"),
    column("PermissionId", String, "identifier of the permission"),
    column("PermissionName", String, "name of the permission"),
    column("PermissionDescription", String, "description of the permission"),
    column("PermissionRisk", String, "how risky the permission is"),
    column("IsPermissionRequired", String, "whether the extension cannot do without the permission"),
];

const DEVICE_TVM_CERTIFICATE_INFO: &[ColumnDef] = &[
    column("DeviceId", String, "identifier of the device in the service"),
    column("Thumbprint", String, "digest of the certificate"),
    column("Path", String, "path of the item"),
    column("SerialNumber", String, "serial number of the certificate"),
    column("IssuedTo", Dynamic, "whom the certificate names, JSON"),
    column("IssuedBy", Dynamic, "who issued the certificate, JSON"),
    column("FriendlyName", String, "name of the certificate as shown to people"),
    column("SignatureAlgorithm", String, "algorithm of the certificate's signature"),
    column("KeySize", String, "bits in the key"),
    column("ExpirationDate", String, "when it expires"),
    column("IssueDate", String, "when it was issued"),
    column("SubjectType", String, "what the certificate stands for"),
    column("KeyUsage", String, "what the key may be used for"),
    column("ExtendedKeyUsage", String, "further uses of the key"),
];

const DEVICE_TVM_HARDWARE_FIRMWARE: &[ColumnDef] = &[
    column("DeviceId", String, "identifier of the device in the service"),
    column("DeviceName", String, "full DNS name of the device"),
    column("ComponentType", String, "kind of component"),
    column("Manufacturer", String, "maker"),
    column("ComponentName", String, "name of the component"),
    column("ComponentFamily", String, "family of the component"),
    column("ComponentVersion", String, "version of the component"),
    column("AdditionalFields", Dynamic, "further facts about the event, JSON"),
];

const DEVICE_TVM_INFO_GATHERING: &[ColumnDef] = &[
    column("Timestamp", Datetime, "when the event was recorded, UTC"),
    column("LastSeenTime", Datetime, "when it was last seen"),
    column("DeviceId", String, "identifier of the device in the service"),
    column("DeviceName", String, "full DNS name of the device"),
    column("OSPlatform", String, "family of the operating system"),
    column("AdditionalFields", Dynamic, "further facts about the event, JSON"),
];

const DEVICE_TVM_INFO_GATHERINGKB: &[ColumnDef] = &[
    column("IgId", String, "identifier of the gathered fact"),
    column("FieldName", String, "name of the field"),
    column("Description", String, "description in words"),
    column("Categories", Dynamic, "stages or kinds of threat, a JSON list"),
    column("DataStructure", String, "shape of the fact"),
];

const DEVICE_TVM_SECURE_CONFIGURATION_ASSESSMENT: &[ColumnDef] = &[
    column("DeviceId", String, "identifier of the device in the service"),
    column("DeviceName", String, "full DNS name of the device"),
    column("OSPlatform", String, "family of the operating system"),
    column("Timestamp", Datetime, "when the event was recorded, UTC"),
    column("ConfigurationId", String, "identifier of the setting"),
    column("ConfigurationCategory", String, "group of settings"),
    column("ConfigurationSubcategory", String, "finer group of settings"),
    column("ConfigurationImpact", Real, "weight of the setting in the score"),
    column("IsCompliant", Bool, "whether it complies"),
    column("IsApplicable", Bool, "whether the setting applies to the device"),
    column("Context", Dynamic, "further facts on the finding, JSON"),
    column("IsExpectedUserImpact", Bool, "whether users would notice the change"),
];

const DEVICE_TVM_SECURE_CONFIGURATION_ASSESSMENTKB: &[ColumnDef] = &[
    column("ConfigurationId", String, "identifier of the setting"),
    column("ConfigurationImpact", Real, "weight of the setting in the score"),
    column("ConfigurationName", String, "name of the setting"),
    column("ConfigurationDescription", String, "description of the setting"),
    column("RiskDescription", String, "what may happen if the setting stays as it is"),
    column("ConfigurationCategory", String, "group of settings"),
    column("ConfigurationSubcategory", String, "finer group of settings"),
    column("ConfigurationBenchmarks", Dynamic, "benchmarks that name the setting, JSON"),
    column("Tags", Dynamic, "tags that were given"),
    column("RemediationOptions", String, "ways to put it right"),
];

const DEVICE_TVM_SOFTWARE_EVIDENCE_BETA: &[ColumnDef] = &[
    column("DeviceId", String, "identifier of the device in the service"),
    column("SoftwareVendor", String, "maker of the software"),
    column("SoftwareName", String, "name of the software"),
    column("SoftwareVersion", String, "version of the software"),
    column("RegistryPaths", Dynamic, "registry keys where the software was found, a JSON list"),
    column("DiskPaths", Dynamic, "paths where the software was found, a JSON list"),
    column("LastSeenTime", String, "when it was last seen"),
];

const DEVICE_TVM_SOFTWARE_INVENTORY: &[ColumnDef] = &[
    column("DeviceId", String, "identifier of the device in the service"),
    column("DeviceName", String, "full DNS name of the device"),
    column("OSPlatform", String, "family of the operating system"),
    column("OSVersion", String, "version of the operating system"),
    column("OSArchitecture", String, "processor architecture of the operating system"),
    column("SoftwareVendor", String, "maker of the software"),
    column("SoftwareName", String, "name of the software"),
    column("SoftwareVersion", String, "version of the software"),
    column("EndOfSupportStatus", String, "whether the software is still supported"),
    column("EndOfSupportDate", Datetime, "when support ends"),
    column("ProductCodeCpe", String, "product in the CPE naming scheme"),
];

const DEVICE_TVM_SOFTWARE_VULNERABILITIES: &[ColumnDef] = &[
    column("DeviceId", String, "identifier of the device in the service"),
    column("DeviceName", String, "full DNS name of the device"),
    column("OSPlatform", String, "family of the operating system"),
    column("OSVersion", String, "version of the operating system"),
    column("OSArchitecture", String, "processor architecture of the operating system"),
    column("SoftwareVendor", String, "maker of the software"),
    column("SoftwareName", String, "name of the software"),
    column("SoftwareVersion", String, "version of the software"),
    column("CveId", String, "vulnerability by its CVE number"),
    column("VulnerabilitySeverityLevel", String, "how bad the vulnerability is"),
    column("RecommendedSecurityUpdate", String, "update that removes the vulnerability"),
    column("RecommendedSecurityUpdateId", String, "identifier of the update that removes the vulnerability"),
    column("CveTags", Dynamic, "marks on the vulnerability"),
];

const DEVICE_TVM_SOFTWARE_VULNERABILITIESKB: &[ColumnDef] = &[
    column("CveId", String, "vulnerability by its CVE number"),
    column("CvssScore", String, "CVSS score of the vulnerability"),
    column("IsExploitAvailable", Bool, "whether an exploit is public"),
    column("VulnerabilitySeverityLevel", String, "how bad the vulnerability is"),
    column("LastModifiedTime", Datetime, "when it was changed last"),
    column("PublishedDate", Datetime, "when it became public"),
    column("VulnerabilityDescription", String, "description of the vulnerability"),
    column("AffectedSoftware", Dynamic, "software that has the vulnerability, a JSON list"),
];
