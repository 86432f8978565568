//! Queries over awkward values: every operator that has a vectorised form, on every pair of values of its types, in
//! every place where an expression can stand.

const BOOLS: &[&str] = &["true", "false", "bool(null)"];
const INTS: &[&str] = &["int(0)", "int(-1)", "int(2147483647)", "int(-2147483648)", "int(null)"];
const LONGS: &[&str] = &[
    "long(0)",
    "long(-1)",
    "long(3)",
    "long(2147483648)",
    "long(9223372036854775807)",
    "long(-9223372036854775808)",
    "long(null)",
];
const REALS: &[&str] = &[
    "real(0)",
    "real(-0.0)",
    "real(1.5)",
    "real(-3)",
    "real(9223372036854775807)",
    "real(nan)",
    "real(+inf)",
    "real(-inf)",
    "real(null)",
];
const DECIMALS: &[&str] = &["decimal(0)", "decimal(1.5)", "decimal(-3)", "decimal(null)"];
const STRINGS: &[&str] = &[
    "''",
    "' '",
    "'a'",
    "'A'",
    "'a_b'",
    "'a.B c'",
    "'İ'",
    "'i'",
    "'ß'",
    "'SS'",
    "'ς Σ'",
    "'e\u{301}'",
    "'é'",
    "'null'",
    "'10'",
    "'%'",
];
const DATETIMES: &[&str] = &[
    "datetime(0001-01-01)",
    "datetime(9999-12-31T23:59:59.9999999)",
    "datetime(1969-12-31T23:59:59.9999999)",
    "datetime(1970-01-01)",
    "datetime(2025-06-20T10:00:00.1234567)",
    "datetime(null)",
];
const TIMESPANS: &[&str] = &["0s", "-1tick", "1d", "365000d", "timespan(null)"];
const GUIDS: &[&str] =
    &["guid(00000000-0000-0000-0000-000000000001)", "guid(ffffffff-0000-0000-0000-00000000000A)", "guid(null)"];
const DYNAMICS: &[&str] = &[
    "dynamic(null)",
    "dynamic('')",
    "dynamic('a')",
    "dynamic(1)",
    "dynamic(1.0)",
    "dynamic(true)",
    "dynamic([])",
    "dynamic(['a',null,'İ'])",
    "dynamic({\"a\": 1 , \"b\":[ 2]})",
];

const ALL: [(&str, &[&str]); 10] = [
    ("bool", BOOLS),
    ("int", INTS),
    ("long", LONGS),
    ("real", REALS),
    ("decimal", DECIMALS),
    ("string", STRINGS),
    ("datetime", DATETIMES),
    ("timespan", TIMESPANS),
    ("guid", GUIDS),
    ("dynamic", DYNAMICS),
];

const COMPARISONS: [&str; 6] = ["==", "!=", "<", "<=", ">", ">="];
const ARITHMETIC: [&str; 5] = ["+", "-", "*", "/", "%"];
const TEXT: [&str; 30] = [
    "=~",
    "!~",
    "has",
    "!has",
    "has_cs",
    "!has_cs",
    "contains",
    "!contains",
    "contains_cs",
    "!contains_cs",
    "startswith",
    "!startswith",
    "startswith_cs",
    "!startswith_cs",
    "endswith",
    "!endswith",
    "endswith_cs",
    "!endswith_cs",
    "hasprefix",
    "!hasprefix",
    "hasprefix_cs",
    "!hasprefix_cs",
    "hassuffix",
    "!hassuffix",
    "hassuffix_cs",
    "!hassuffix_cs",
    "matches regex",
    "==",
    "!=",
    "<",
];
const SETS: [&str; 6] = ["in", "!in", "in~", "!in~", "has_any", "has_all"];

/// Every pair of values of two types, as `T(n, a, b)`, and again after an outer join and out of a group.
fn pairs(left: (&str, &[&str]), right: (&str, &[&str])) -> String {
    let mut cells = Vec::new();
    for a in left.1 {
        for b in right.1 {
            cells.push(format!("{},{a},{b}", cells.len()));
        }
    }
    // A NaN has a sign, which no literal gives it.
    let signed = |name: &str, ty: &str, odd: u8| {
        if ty == "real" {
            format!(" | extend {name} = iff(isnan({name}) and n % 2 == {odd}, -{name}, {name})")
        } else {
            String::new()
        }
    };
    let (a, b) = (signed("a", left.0, 0), signed("b", right.0, 1));
    format!("let T = datatable(n:long, a:{}, b:{})[{}]{a}{b};\n", left.0, right.0, cells.join(", "))
}

/// The values of an expression, and of what can be made of it.
fn values(table: &str, exprs: &[String]) -> String {
    let each = exprs.iter().enumerate().map(|(at, expr)| format!("x{at} = {expr}")).collect::<Vec<_>>();
    format!("{table}T | project n, a, b, {}", each.join(", "))
}

/// A truth value in every place where one can stand.
fn truths(table: &str, expr: &str) -> [String; 2] {
    [
        format!(
            "{table}T | project n, a, b, p = {expr}, q = not({expr}), r = ({expr}) and bool(null), s = ({expr}) or bool(null), \
             t = iff({expr}, 1, 2), u = case({expr}, 'x', not({expr}), 'y', 'z'), v = isnull({expr}), \
             w = ({expr}) == true, x = ({expr}) != ({expr}), y = iff(not({expr}), a, a)"
        ),
        format!(
            "{table}union (T | where {expr} | extend k = 1), (T | where not({expr}) | extend k = 2), \
             (T | where ({expr}) or n % 2 == 0 | extend k = 3), (T | where not(({expr}) and n % 2 == 0) | extend k = 4), \
             (T | where ({expr}) != true | extend k = 5), (T | where iff({expr}, n > 3, n <= 3) | extend k = 6), \
             (T | where isnull({expr}) | extend k = 7), (T | summarize n = countif({expr}) | extend k = 8), \
             (T | summarize n = count() by p = {expr} | extend k = iff(p, 9, 10)), \
             (T | where not(not({expr})) | extend k = 11), (T | extend p = {expr} | where p | extend k = 12), \
             (T | extend p = {expr} | where not(p) | extend k = 13)"
        ),
    ]
}

/// A seventh of them, which ends in seconds; `SIGHTHOUND_AWKWARD=all` asks for all.
pub fn queries() -> Vec<String> {
    let all = std::env::var_os("SIGHTHOUND_AWKWARD").is_some_and(|value| value == "all");
    let mut queries: Vec<String> = every().into_iter().step_by(if all { 1 } else { 7 }).collect();
    // Small to write, forty million nodes where a filter is moved below all of it.
    let step = " | extend x = iff(strlen(x) > 5, x, strcat(x, 'a'))".repeat(16);
    queries.push(format!("DeviceProcessEvents | extend x = FileName{step} | where x has 'cmd' | count"));
    queries
}

fn every() -> Vec<String> {
    let mut queries = Vec::new();
    let mixed =
        [(1, 2), (2, 1), (2, 3), (3, 1), (2, 4), (3, 4), (6, 7), (7, 2), (7, 3), (5, 9), (9, 2), (9, 5), (9, 3)];
    let same = (0..ALL.len()).map(|at| (at, at));
    for (left, right) in same.clone().chain(mixed) {
        let (left, right) = (ALL[left], ALL[right]);
        let table = pairs(left, right);
        for operator in COMPARISONS {
            queries.extend(truths(&table, &format!("a {operator} b")));
            for value in right.1 {
                queries.extend(truths(&table, &format!("a {operator} {value}")));
            }
            queries.extend(truths(&table, &format!("{} {operator} b", left.1[0])));
            queries.extend(truths(&table, &format!("coalesce(a, a) {operator} iff(n > 3, a, a)")));
        }
        for operator in ARITHMETIC {
            let mut exprs = vec![format!("a {operator} b")];
            exprs.extend(right.1.iter().map(|value| format!("a {operator} {value}")));
            exprs.extend(left.1.iter().map(|value| format!("{value} {operator} b")));
            queries.push(values(&table, &exprs));
        }
        for (low, high) in [("b", "a"), (right.1[0], "b"), (right.1[0], right.1[1]), (right.1[1], right.1[0])] {
            queries.extend(truths(&table, &format!("a between ({low} .. {high})")));
            queries.extend(truths(&table, &format!("a !between ({low} .. {high})")));
        }
        for set in ["in", "!in"] {
            let some = right.1[..2].join(", ");
            let lists = [some.clone(), right.1.join(", "), format!("b, {some}"), right.1[right.1.len() - 1].to_owned()];
            for list in lists {
                queries.extend(truths(&table, &format!("a {set} ({list})")));
            }
        }
    }
    queries.extend(texts());
    for (left, right) in same {
        queries.extend(whole_tables(ALL[left], ALL[right]));
    }
    queries.extend(conversions());
    queries.extend(stored());
    queries
}

fn texts() -> Vec<String> {
    let mut queries = Vec::new();
    for ty in [("string", STRINGS), ("dynamic", DYNAMICS)] {
        let table = pairs(ty, ("string", STRINGS));
        for operator in TEXT {
            let needles = STRINGS.iter().map(|needle| format!("a {operator} {needle}"));
            let exprs: Vec<String> = needles.chain([format!("a {operator} b")]).collect();
            queries.push(values(&table, &exprs));
            queries.extend(truths(&table, &format!("a {operator} 'a'")));
            queries.extend(truths(&table, &format!("a {operator} 'SS'")));
            queries.extend(truths(&table, &format!("a {operator} ''")));
        }
        for set in SETS {
            for list in ["'a'", "''", "'i', 'ss'", "'İ', 'ς', 'É'", "dynamic(['a', 'ß'])", "dynamic([])", "'a', b"]
            {
                queries.extend(truths(&table, &format!("a {set} ({list})")));
            }
            queries.extend(truths(&table, &format!("a {set} ((T | where n < 20 | project b))")));
        }
    }
    queries
}

/// Groups, orders, joins and folds.
fn whole_tables(left: (&str, &[&str]), right: (&str, &[&str])) -> Vec<String> {
    let table = pairs(left, right);
    let one = format!("{table}let U = T | where n < {} | project n, a = b;\n", right.1.len());
    let mut queries = vec![
        format!("{table}T | summarize count(), sum(n), min(n) by a"),
        format!("{table}T | distinct a, b"),
        format!("{table}T | summarize by a"),
        format!("{table}T | sort by a asc, b desc"),
        format!("{table}T | sort by a desc, b asc"),
        format!("{table}T | sort by a asc nulls last, b desc nulls first"),
        format!("{table}T | top 7 by a desc, n asc"),
        format!("{table}T | top 7 by a asc, n asc"),
        format!("{table}T | summarize count() by a, b | where a == b"),
        format!("{table}T | union (T | project a, n) | summarize count(), countif(isnull(b)) by a"),
        format!("{table}T | project a, n | union (T | project b, n) | where a == b or isnull(a) or isempty(b)"),
    ];
    for kind in [
        "inner",
        "innerunique",
        "leftouter",
        "rightouter",
        "fullouter",
        "leftsemi",
        "rightsemi",
        "leftanti",
        "rightanti",
    ] {
        queries.push(format!("{one}T | join kind={kind} U on a"));
        queries.push(format!(
            "{one}T | where n % 3 == 0 | join kind={kind} (U | where n % 2 == 0) on $left.b == $right.a"
        ));
        queries.push(format!(
            "{one}T | where n % 3 == 0 | join kind={kind} (U | where n > 1) on n, a | where isempty(a) or isnull(b)"
        ));
    }
    for kind in ["leftouter", "fullouter", "rightouter"] {
        let joined = format!("T | where n % 3 == 0 | join kind={kind} (U | where n % 2 == 1 | extend c = a) on a");
        for after in [
            "where c == a",
            "where c != a",
            "where isnotempty(c)",
            "where isempty(c)",
            "where isnull(c)",
            "summarize count() by c",
            "sort by c asc, n asc, n1 asc",
            "extend d = strcat(c, '|', tostring(c)), e = isempty(c), f = isnotempty(c)",
            "where not(c == a)",
            "where c in (a)",
            "where tostring(c) has 'a' or tostring(c) == ''",
            "distinct c, a",
            "summarize min(n), make_set(c), dcount(c), max(tostring(c)) by a",
            "union (T | extend c = b) | summarize count() by c",
        ] {
            queries.push(format!("{one}{joined} | {after}"));
        }
    }
    for after in
        ["where a == b1", "where b1 == a and n > n1", "where a == a1 or n == n1", "where isnull(a) == isnull(b1)"]
    {
        queries.push(format!("{one}T | extend k = 1 | join kind=inner (T | extend k = 1) on k | {after}"));
    }
    queries.push(format!("{one}T | lookup U on a"));
    queries.push(format!("{one}T | lookup kind=inner (U | where n < 2) on a"));
    for fold in [
        "count()",
        "countif(a == b)",
        "sum(a)",
        "avg(a)",
        "min(a)",
        "max(a)",
        "sumif(a, n > 3)",
        "avgif(a, n > 3)",
        "minif(a, n > 3)",
        "maxif(a, n % 2 == 1)",
        "dcount(a)",
        "count_distinct(a)",
        "dcountif(a, n % 2 == 1, 4)",
        "count_distinctif(a, n > 3)",
        "make_list(a)",
        "make_set(a)",
        "arg_max(a, n)",
        "arg_min(a, n)",
        "stdev(a)",
        "variance(a)",
        "percentile(a, 50)",
        "sum(a + 1)",
        "sum(a + a)",
        "avg(a * 2)",
        "min(-a)",
        "make_bag(bag_pack('k', a))",
        "binary_all_and(a)",
        "take_any(a)",
        "count(a)",
    ] {
        for by in ["", " by b", " by n % 2", " by bin(n, 10), b"] {
            queries.push(format!("{table}T | summarize x = {fold}{by}"));
        }
        queries.push(format!("{table}T | where n < 0 | summarize x = {fold}"));
        queries.push(format!("{table}T | where isnull(a) | summarize x = {fold}"));
    }
    queries
}

/// Functions of one argument, each of which may have a form of its own.
fn conversions() -> Vec<String> {
    let mut queries = Vec::new();
    for ty in ALL {
        let table = pairs(ty, ("long", &["long(1)"]));
        for function in [
            "isnull",
            "isnotnull",
            "isempty",
            "isnotempty",
            "tostring",
            "tolong",
            "toint",
            "toreal",
            "tobool",
            "todatetime",
            "totimespan",
            "todecimal",
            "toguid",
            "not",
            "-",
            "abs",
            "tolower",
            "toupper",
            "strlen",
            "hash",
            "bin1",
            "typeof",
        ] {
            let expr = match function {
                "bin1" => "bin(a, 1)".to_owned(),
                "typeof" => "gettype(a)".to_owned(),
                function => format!("{function}(a)"),
            };
            queries.push(values(&table, std::slice::from_ref(&expr)));
            if function.starts_with("is") || function == "not" {
                queries.extend(truths(&table, &expr));
            }
        }
        for value in ty.1 {
            queries.push(values(&table, &[format!("iff(n > 1, a, {value})"), format!("coalesce(a, {value})")]));
            queries.push(values(
                &table,
                &[format!("iff(a == {value}, a, {value})"), format!("case(a != {value}, a, {value})")],
            ));
            queries.push(values(
                &table,
                &[format!("iff(bool(null), a, {value})"), format!("case(bool(null), a, n > 1, {value}, a)")],
            ));
        }
    }
    queries
}

/// Stored rows: filters that reach the files.
fn stored() -> Vec<String> {
    let exprs = [
        "Timestamp > datetime(2025-06-25)",
        "Timestamp >= ago(3d) and Timestamp < ago(1d)",
        "Timestamp between (ago(4d) .. 1d)",
        "Timestamp between (datetime(2025-06-25) .. datetime(2025-06-26))",
        "Timestamp != datetime(null)",
        "Timestamp == datetime(null)",
        "Timestamp < datetime(0001-01-01)",
        "Timestamp <= datetime(9999-12-31T23:59:59.9999999)",
        "ProcessCreationTime == Timestamp",
        "ProcessCreationTime < Timestamp + 1h",
        "ProcessCreationTime in (Timestamp, datetime(2025-06-25))",
        "bin(Timestamp, 1d) == datetime(2025-06-25)",
        "startofday(Timestamp) >= datetime(2025-06-25)",
        "Timestamp - 1h > datetime(2025-06-25) or isnull(InitiatingProcessCreationTime)",
        "hourofday(Timestamp) in (1, 2, 3)",
        "Timestamp in (datetime(2025-06-25), datetime(2025-06-27T08:57:21.6480001Z))",
        "Timestamp in ((DeviceProcessEvents | summarize max(Timestamp) by FileName | project max_Timestamp))",
        "InitiatingProcessParentCreationTime in ((DeviceProcessEvents | distinct InitiatingProcessParentCreationTime | take 9))",
        "datetime(2025-06-25) < Timestamp",
        "FileName == 'powershell.exe'",
        "FileName =~ 'PowerShell.exe'",
        "FileName in ('powershell.exe', 'cmd.exe', '')",
        "FileName in~ ('POWERSHELL.exe', 'cmd.exe')",
        "FileName has_any ('powershell', 'cmd')",
        "ProcessCommandLine has_any ('powershell', 'cmd', 'enc', 'c', 'System32', 'svchost')",
        "FileName endswith '.EXE' and FileName !startswith 'p'",
        "ProcessCommandLine has 'enc' or ProcessCommandLine contains '-nop'",
        "ProcessCommandLine matches regex @'(?i)power.*-e'",
        "ProcessCommandLine has_all ('powershell', 'enc')",
        "AccountSid == ''",
        "AccountSid != ''",
        "isempty(AccountUpn)",
        "isnotempty(AccountUpn)",
        "AccountUpn < 'm'",
        "ProcessId > 1000 and ProcessId < 5000",
        "ProcessId in (4, 8, 1000)",
        "ProcessId == ReportId",
        "FileSize > 1000",
        "isnull(FileSize)",
        "isnull(LogonId) or LogonId != 999",
        "tostring(ProcessId) startswith '1'",
        "strlen(FileName) == 7",
        "tolower(FileName) == 'cmd.exe' and Timestamp > ago(7d)",
        "DeviceName == InitiatingProcessAccountName or FileName == InitiatingProcessFileName",
        "not(FileName == 'cmd.exe' and ProcessId > 100)",
        "TimeGenerated > ago(2d)",
    ];
    let mut queries = Vec::new();
    for expr in exprs {
        let table = "DeviceProcessEvents";
        queries.push(format!("{table} | where {expr} | project Timestamp, DeviceName, FileName, ProcessId, ReportId"));
        queries.push(format!(
            "{table} | where not({expr}) | summarize count(), min(Timestamp), max(Timestamp) by FileName"
        ));
        queries.push(format!("{table} | extend x = {expr} | summarize count() by x, bin(Timestamp, 1d)"));
        queries.push(format!("{table} | where {expr} | top 20 by Timestamp desc | project-keep Timestamp, F*"));
        queries.push(format!(
            "{table} | summarize countif({expr}), dcountif(DeviceId, {expr}), arg_max(Timestamp, FileName)"
        ));
        queries.push(format!(
            "{table} | where {expr} | make-series n = count(), m = max(ReportId) + 1 default = -1, dcount(FileName), \
             arg_max(Timestamp, AccountName) on Timestamp from datetime(2025-06-20) to datetime(2025-06-30T12:00) step 7h \
             by FileName, tostring(ProcessId % 2)"
        ));
        queries.push(format!(
            "{table} | where {expr} | project FileName, AccountName, ReportId | evaluate pivot(FileName, dcount(ReportId), AccountName)"
        ));
        queries.push(format!(
            "{table} | where {expr} | project FileName, ProcessId, ReportId | evaluate pivot(FileName, 1.5 * sum(ReportId) + count())"
        ));
        queries.push(format!("{table} | where {expr} | top-nested 3 of FileName by dcount(DeviceId), top-nested of ProcessId % 2 by max(ReportId)"));
        queries.push(format!("{table} | where {expr} | top-hitters 4 of FileName"));
        for word in ["powershell", "2025", "17t", "-", "4", "true"] {
            queries.push(format!("{table} | where {expr} | search '{word}' | summarize count(), max(Timestamp)"));
        }
        queries.push(format!(
            "{table} | where {expr} | extend b = bag_pack('a', FileName, 'b', ProcessId % 3) | project b, ReportId, DeviceId | evaluate bag_unpack(b)"
        ));
        queries.push(format!(
            "{table} | where {expr} | make-series percentile(ReportId, 50), countif(ProcessId > 99) default = real(null) \
             on InitiatingProcessParentCreationTime step 3d"
        ));
        queries.push(format!(
            "{table} | where {expr} | summarize arg_max(Timestamp, FileName, ProcessId), arg_min(Timestamp, DeviceName), \
             max(Timestamp), dcount(ReportId), count_distinct(FileName) by DeviceId"
        ));
        queries.push(format!("{table} | where {expr} | join kind=leftouter (AlertEvidence | where Timestamp > ago(10d)) on DeviceId, FileName | summarize count() by AlertId"));
    }
    queries
}
