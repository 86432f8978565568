//! Texts of the largest sizes that a client may send, and as deep, as each form of the languages lets them be.
//!
//! In a text that is repeated, `#` is the number of the repetition. Code that is not optimised reads a part of the full
//! sizes, unless it is told otherwise.
use super::{on_a_small_stack, read};
use crate::functions;
use crate::functions::operators::{self, Right};

const MEGABYTE: usize = 1 << 20;
const DEEP: usize = 100_000;
const LINKS: usize = 10_000;

/// Which part of the full sizes is read.
fn part() -> usize {
    let told = std::env::var("SIGHTHOUND_PART").ok().and_then(|part| part.parse().ok());
    told.unwrap_or(if cfg!(debug_assertions) { 100 } else { 1 })
}

fn repeat(link: &str, times: usize) -> String {
    if !link.contains('#') {
        return link.repeat(times);
    }
    (0..times).map(|at| link.replace('#', &at.to_string())).collect()
}

/// Reads all texts and says which of them took long or went wrong.
fn all(texts: impl IntoIterator<Item = String> + Send + 'static) {
    on_a_small_stack(|| {
        let mut wrong = Vec::new();
        for text in texts {
            if let Err(why) = read(&text) {
                let from: String = text.chars().take(80).collect();
                wrong.push(format!("{why}: {from}"));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    });
}

fn megabytes(forms: &'static [(&str, &str, &str)]) {
    all(forms.iter().map(|(open, link, close)| {
        let numbered = if link.contains('#') { 4 } else { 0 };
        let times = MEGABYTE.saturating_sub(open.len() + close.len()) / (link.len() + numbered) / part();
        format!("{open}{}{close}", repeat(link, times))
    }));
}

/// What a megabyte is made of, and nothing else.
const ALONE: &[&str] = &[
    "a",
    "1",
    "0",
    ".",
    " ",
    "\n",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "'",
    "\"",
    "`",
    "```",
    "/",
    "//",
    "\\",
    "-",
    "--",
    "+",
    "!",
    "=",
    "|",
    "||",
    ";",
    ",",
    ":",
    "*",
    "é",
    "𝕏",
    "\u{0}",
    "a ",
    "1 ",
    "a.",
    "a(",
    "a,",
    "not(",
    "| take 1",
    "let a = 1;",
    "'a'",
    "@'",
    "h'",
    "1d",
    "datetime(",
    "dynamic(",
    "$",
    "#",
    "a\n",
    "//\n",
    "a:",
    "a=",
    "=>",
    "%41",
    "set a;",
    "in (",
    "print ",
    "a| ",
    "(,",
    "T|",
    ". .",
];

/// A beginning, what is repeated up to a megabyte, and an end.
const KQL: &[(&str, &str, &str)] = &[
    ("DeviceEvents | where FileName in (", "'abc', ", "'x')"),
    ("DeviceEvents | where FileName in~ (", "'abc', ", "'x')"),
    ("DeviceEvents | where FileName has_any (", "'abc', ", "'x')"),
    ("DeviceEvents | where FileName in (", "FileName, ", "'x')"),
    ("print dynamic([", "1, ", "1])"),
    ("print dynamic({", "\"a\": 1, ", "\"b\": 2})"),
    ("print x = '", "a", "'"),
    ("print x = '", "\\n", "'"),
    ("print x = ```", "a\n", "```"),
    ("print x = ", "'a' ", ""),
    ("print ", "1, ", "1"),
    ("print ", "a = 1, ", "a = 1"),
    ("print ", "x = now(), ", "1"),
    ("datatable(x:long)[", "1, ", "1]"),
    ("datatable(x:long, s:string, t:datetime)[", "1, 'a', datetime(2020-01-01), ", "]"),
    ("datatable(", "x:long, ", "x:long)[1]"),
    ("DeviceEvents | project ", "FileName, ", "FileName"),
    ("DeviceEvents | project ", "nothing, ", "nothing"),
    ("DeviceEvents | extend ", "x = FileName, ", "x = 1"),
    ("DeviceEvents | where ", "FileName == 'a' or ", "true"),
    ("DeviceEvents | where ", "FileName == 'a' and ", "true"),
    ("DeviceEvents | where ", "nothing == 'a' and ", "true"),
    ("DeviceEvents | summarize ", "count(), ", "count()"),
    ("DeviceEvents | summarize ", "sum(ReportId), ", "count()"),
    ("DeviceEvents | summarize count() by ", "FileName, ", "FileName"),
    ("DeviceEvents | sort by ", "FileName, ", "FileName"),
    ("DeviceEvents | project-away ", "F*, ", "FileName"),
    ("DeviceEvents | project-reorder ", "*, ", "FileName"),
    ("DeviceEvents | project-keep ", "Nothing, ", "FileName"),
    ("DeviceEvents | distinct ", "FileName, ", "FileName"),
    ("DeviceEvents | parse FileName with ", "* 'a' x ", "*"),
    ("DeviceEvents | parse FileName with ", "'a' x:long ", ""),
    ("DeviceEvents | mv-expand ", "AdditionalFields, ", "AdditionalFields"),
    ("DeviceEvents", " | where true", ""),
    ("DeviceEvents", " | extend x = 1", ""),
    ("DeviceEvents", " | project FileName", ""),
    ("DeviceEvents", " | where nothing", ""),
    ("DeviceEvents", " | nothing", ""),
    ("DeviceEvents", " | join DeviceInfo on DeviceId", ""),
    ("DeviceEvents", " | union DeviceInfo", ""),
    ("DeviceEvents", " | count", ""),
    ("union ", "DeviceEvents, ", "DeviceEvents"),
    ("union ", "D*, ", "D*"),
    ("union ", "Nothing, ", "Nothing"),
    ("find in (", "DeviceEvents, ", "DeviceEvents) where FileName == 'a'"),
    ("search ", "'a' or ", "'b'"),
    ("search in (", "DeviceEvents, ", "DeviceEvents) 'b'"),
    ("", "let a = 1;\n", "print a"),
    ("", "let f = (x:long) { x + 1 };\n", "print f(1)"),
    ("", "let T = DeviceEvents;\n", "T"),
    ("", "print 1;\n", "print 1"),
    ("", "nothing;\n", "nothing"),
    ("", "declare query_parameters(a:long = 1);\n", "print a"),
    ("print ", "'a' has ", "'a'"),
    ("print strcat(", "'a', ", "'b')"),
    ("print case(", "true, 1, ", "2)"),
    ("print coalesce(", "1, ", "2)"),
    ("print pack_array(", "1, ", "2)"),
    ("print bag_pack(", "'a', 1, ", "'b', 2)"),
    ("print x = 1 // ", "a", ""),
    ("print matches = 'a' matches regex '", "(a", "'"),
    ("print replace_regex('a', '", "a?", "', 'b')"),
    ("print extract('", "(.*)", "', 1, 'b')"),
    ("print parse_json('", "[", "')"),
    ("print base64_decode_tostring('", "QUJD", "')"),
    ("print repeat('", "abc", "', 1000000)"),
    ("print split('", "a,", "', ',')"),
    ("print x = 0", "1", ""),
    ("print x = 0x", "f", ""),
    ("print x = 1.", "1", ""),
    ("print x = decimal(1.", "1", ")"),
    ("print x = datetime(", "1", ")"),
    ("print x = timespan(", "1", ")"),
    ("print x = guid(", "1", ")"),
    ("print ['", "a", "'] = 1"),
    ("print ", "a", " = 1"),
    ("DeviceEvents | take ", "1", ""),
    ("DeviceEvents | extend ", "x# = 1, ", "y = 1"),
    ("DeviceEvents | extend ", "x# = ReportId + #, ", "y = 1"),
    ("DeviceEvents | project ", "x# = FileName, ", "y = 1"),
    ("DeviceEvents | project ", "x#, ", "y"),
    ("DeviceEvents | summarize ", "x# = count(), ", "y = count()"),
    ("DeviceEvents | summarize ", "sum(ReportId + #), ", "y = count()"),
    ("DeviceEvents | summarize by ", "x# = ReportId, ", "y = ReportId"),
    ("DeviceEvents | project-rename ", "x# = FileName, ", "y = FolderPath"),
    ("DeviceEvents | project-away ", "x#, ", "FileName"),
    ("DeviceEvents | project-keep ", "x#*, ", "FileName"),
    ("DeviceEvents | project-reorder ", "x#*, ", "FileName"),
    ("DeviceEvents | parse FileName with ", "'a' x# ", ""),
    ("DeviceEvents | parse-kv FileName as (", "x#:long, ", "y:long) with (pair_delimiter=' ')"),
    ("DeviceEvents | mv-expand ", "x# = AdditionalFields, ", "AdditionalFields"),
    ("DeviceEvents | make-series ", "x# = count(), ", "count() on Timestamp step 1d"),
    ("DeviceEvents | evaluate bag_unpack(AdditionalFields) : (", "x#:long, ", "y:long)"),
    ("datatable(", "x#:long, ", "y:long)[1]"),
    ("print ", "x# = 1, ", "y = 1"),
    ("print dynamic({", "\"a#\": 1, ", "\"b\": 2})"),
    ("print bag_pack(", "'a#', 1, ", "'b', 2)"),
    ("union ", "x#, ", "DeviceEvents"),
    ("find in (", "x#, ", "DeviceEvents) where FileName == 'a'"),
    ("find where FileName == 'a' project ", "x#, ", "FileName"),
    ("search ", "'a#' or ", "'b'"),
    ("search ", "'a#' and ", "'b'"),
    ("search ", "FileName has 'a#' or ", "'b'"),
    ("DeviceEvents | search ", "'a' or ", "'b'"),
    ("DeviceEvents | where * has 'b' ", "and * has 'a' ", ""),
    ("DeviceEvents | where ", "FileName == 'a#' or ", "true"),
    ("DeviceEvents | where ", "ReportId == # or ", "true"),
    ("DeviceEvents | where ", "nothing# == 'a' or ", "true"),
    ("DeviceEvents | where FileName in (", "'abc#', ", "'x')"),
    ("DeviceEvents | sort by ", "ReportId + # asc, ", "FileName"),
    ("DeviceEvents | distinct ", "x#, ", "FileName"),
    ("DeviceEvents | top 5 by ", "ReportId + # asc, ", "FileName"),
    ("DeviceEvents | join DeviceInfo on ", "DeviceId, ", "DeviceId"),
    ("DeviceEvents | join DeviceInfo on ", "$left.DeviceId == $right.DeviceId, ", "DeviceId"),
    ("DeviceEvents | fork ", "(take 1) ", "(take 1)"),
    ("DeviceEvents | fork ", "x# = (take 1) ", "(take 1)"),
    ("DeviceEvents | facet by ", "FileName, ", "FileName"),
    ("DeviceEvents | scan declare (", "x#:long = 0, ", "y:long) with (step s: true => y = 1;)"),
    ("DeviceEvents | scan with (", "step s#: true; ", ")"),
    ("DeviceEvents | top-nested 5 of FileName by count()", ", top-nested 5 of ReportId by count()", ""),
    ("DeviceEvents | render timechart with (", "title='a', ", "title='b')"),
    ("DeviceEvents | partition by FileName (", "take 1 | ", "take 1)"),
    ("DeviceEvents | reduce by FileName with ", "threshold=0.1, ", "threshold=0.1"),
    ("DeviceEvents | invoke f(", "1, ", "1)"),
    ("", "let a# = 1;\n", "print a1"),
    ("", "let f# = (x:long) { x + 1 };\n", "print f1(1)"),
    ("", "let T# = DeviceEvents;\n", "T1"),
    ("let f = (", "x#:long, ", "y:long) { y }; print f(1)"),
    ("let f = (y:long) { ", "let a# = y + 1; ", "y }; print f(1)"),
    ("let f = (y:long) { y }; print ", "f(#) + ", "1"),
    ("let f = (y:long) { y }; print ", "f(#), ", "1"),
    ("let T = DeviceEvents | take 1; union ", "T, ", "T"),
    ("declare query_parameters(", "x#:long = 1, ", "y:long = 1); print y"),
    ("", "set a# = 1;\n", "print 1"),
    ("", "print # | as T#;\n", "print 1"),
    ("DeviceEvents", " | as T#", ""),
    ("DeviceEvents", " | extend x# = 1", ""),
    ("DeviceEvents", " | where ReportId == #", ""),
    ("DeviceEvents", " | join DeviceInfo on DeviceId | take 1", ""),
    ("DeviceEvents", " | join kind=leftsemi DeviceInfo on DeviceId", ""),
    ("DeviceEvents", " | lookup DeviceInfo on DeviceId", ""),
    ("DeviceEvents", " | summerize count()", ""),
    ("declare pattern p = (a:string) { ", "('a#') = { print # }; ", "}; p('a1')"),
    ("DeviceEvents | make-graph DeviceId --> ReportId | graph-match (a)", "-[e#]->(n#)", " project a.x"),
    ("DeviceEvents | extend x = AdditionalFields", ".a", ""),
    ("DeviceEvents | extend x = AdditionalFields", "[#]", ""),
    ("print x = datatable(a:long)[", "#, ", "1]"),
    ("print x = '", "é", "'"),
    ("print x = \"", "\\u00e9", "\""),
    ("print x = @'", "''", "'"),
    ("print x = strcat('a', '", "b", "') == 'c' and 'd' has 'e'"),
    ("print toscalar(print '", "b", "')"),
    ("print parse_csv('", "a,", "')"),
    ("print parse_path('", "a/", "')"),
    ("print parse_url('", "a?", "')"),
    ("print parse_urlquery('", "a=b&", "')"),
    ("print extract_all('(a)', '", "a", "')"),
    ("print parse_xml('", "<a>b</a>", "')"),
    ("print parse_json('", "1,", "')"),
    ("print parse_json('[", "1,", "1]')"),
    ("print parse_json('{", "\"a#\":1,", "\"b\":1}')"),
    ("print range(1, 1000000", "0", ")"),
    ("let a = strcat('b', '", "c", "'); print a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a, a"),
    ("let a = strrep('abcdefgh', 1000, 'i'); print ", "a, ", "a"),
    ("let a = strrep('abcdefgh', 1000, 'i'); print strcat(", "a, ", "a)"),
    ("let a = range(1, 100000); print ", "a, ", "a"),
    ("print ", "range(1, 1000000), ", "1"),
    ("print ", "strrep('a', 1000), ", "1"),
    ("let a = dynamic([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]); print array_concat(", "a, ", "a)"),
    ("print replace_string('", "a", "', 'a', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa')"),
    ("let T = datatable(a:long)[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22]; union ", "T, ", "T"),
    ("print url_decode('", "%41", "')"),
    ("print levenshtein('", "ab", "', 'b')"),
    ("print 'a' in (", "'b#', ", "'c')"),
    ("print dynamic([1]) has_any (", "'b#', ", "'c')"),
];

const ODATA: &[(&str, &str, &str)] = &[
    ("alerts?$filter=", "severity eq 'high' or ", "severity eq 'low'"),
    ("alerts?$filter=", "not ", "true"),
    ("alerts?$filter=", "(", ""),
    ("alerts?$filter=severity in (", "'high',", "'low')"),
    ("alerts?$orderby=", "severity,", "severity"),
    ("alerts?", "$top=1&", "$top=1"),
    ("alerts?$filter=", "severity eq '#' or ", "severity eq 'low'"),
    ("alerts?$filter=", "contains(title,'#') and ", "severity eq 'low'"),
    ("alerts?$filter=title eq '", "a", "'"),
    ("alerts?$filter=title eq '", "''", "'"),
    ("alerts?$filter=title eq '", "%41", "'"),
    ("alerts?$filter=incidentId eq 1", " add 1", ""),
    ("alerts?$filter=incidentId eq 1", " sub -1", ""),
    ("alerts?$filter=", "evidence/any(e:e/sha1 eq '#') or ", "true"),
    ("alerts?$filter=", "evidence/", "a eq 1"),
    ("alerts?$filter=evidence/any(e:", "e/sha1 eq '#' or ", "true)"),
    ("alerts?$filter=id in (", "'a#',", "'b')"),
    ("alerts?$select=", "title,", "id"),
    ("alerts?$expand=", "evidence,", "evidence"),
    ("alerts?$search=", "a# OR ", "b"),
    ("alerts?$search=", "NOT ", "b"),
    ("alerts?$search=", "(", "b"),
    ("alerts?$search=", "a ", "b"),
    ("alerts?", "$a#=1&", "$top=1"),
    ("alerts?", "a#=1&", "$top=1"),
    ("", "alerts/", ""),
    ("alerts('", "a", "')"),
    ("alerts?$top=", "1", ""),
    ("alerts?$filter=concat(", "title,", "title) eq 'a'"),
    ("alerts?$filter=", "(1 add 1 add 1 add ", "1"),
    ("alerts?$filter=", "case(true:", "1"),
    ("alerts?$filter=title eq ", "[", "1"),
    ("alerts?$filter=title eq {", "\"a#\":1,", "\"b\":1}"),
    ("alerts?$filter=title in ", "[\"a\",", "\"b\"]"),
    ("alerts?$filter=a eq geometry'SRID=0;", "GeometryCollection(", "Point(1 1)"),
    ("alerts?$filter=a eq geometry'SRID=0;LineString(", "1 1,", "1 1)'"),
    ("alerts?$filter=a eq binary'", "AAAA", "'"),
    ("alerts?$filter=a has A.B'", "a,", "a'"),
    ("alerts?$filter=a has ", "A.", "B'a'"),
    ("alerts?$filter=", "$it/", "a eq 1"),
    ("alerts?$filter=evidence", "/$filter(true)", "/$count gt 1"),
    ("alerts?$filter=evidence/$count(", "$filter=true;", "$filter=true) gt 1"),
    ("alerts?$compute=", "1 as a#,", "1 as b"),
    ("alerts?$compute=1 as a0,", "a0 add a0 as a0,", "1 as b"),
    ("alerts?$select=", "comments/a#,", "id"),
    ("alerts?$select=id(", "$top=1;", "$skip=1)"),
    ("alerts?$expand=evidence(", "$top=1;", "$skip=1)"),
    ("alerts?$expand=evidence($filter=", "sha1 eq '#' or ", "true)"),
    ("alerts?$apply=", "identity/", "identity"),
    ("alerts?$apply=", "concat(identity,identity)/", "identity"),
    ("alerts?$apply=concat(", "identity,", "identity)"),
    ("alerts?$apply=groupby((title", ",severity", "))"),
    ("alerts?$apply=aggregate($count as n", ",incidentId with sum as a#", ")"),
    ("alerts?$apply=compute(", "1 as a#,", "1 as b)"),
    ("alerts?$apply=", "filter(severity eq '#')/", "top(1)"),
    ("alerts?$apply=", "groupby((title),", "identity"),
    ("alerts?$apply=", "concat(identity,", "identity"),
    ("alerts?$filter=@a0&", "@a#=@b#&", "@a=1"),
    ("alerts?$filter=@a1 eq 1", "&@a#=1", "&@b=1"),
    ("alerts?$format=", "a", "/b"),
    ("alerts/$crossjoin(", "a,", "b)"),
    ("alerts(", "a=1,", "b=2)"),
];

/// What opens a level, what stands at the bottom, and what closes a level.
const LEVELS: &[(&str, &str, &str)] = &[
    ("(", "1", ")"),
    ("[", "1", "]"),
    ("{", "1", "}"),
    ("-", "1", ""),
    ("- ", "1", ""),
    ("+", "1", ""),
    ("not(", "true", ")"),
    ("iff(true, ", "1", ", 2)"),
    ("f(", "1", ")"),
    ("a[", "1", "]"),
    ("a.b[", "1", "]"),
    ("a['", "b", "']"),
    ("dynamic(", "1", ")"),
    ("dynamic([", "1", "])"),
    ("toscalar(print ", "1", ")"),
    ("toscalar(", "DeviceEvents | count", ")"),
    ("totable(", "DeviceEvents", ")"),
    ("materialize(", "DeviceEvents", ")"),
    ("case(true, ", "1", ", 2)"),
    ("x = (", "1", ")"),
    ("1 in (", "1", ")"),
    ("1 between (1 .. ", "1", ")"),
    ("1 + (", "1", ")"),
    ("1 and (", "1", ")"),
    ("1 == (", "1", ")"),
    ("'a' has (", "1", ")"),
    ("union (", "DeviceEvents", ")"),
    ("print (", "1", ")"),
    ("print x = toscalar(", "print 1", ")"),
    ("DeviceEvents | join (", "DeviceInfo", ") on DeviceId"),
    ("DeviceEvents | lookup (", "DeviceInfo", ") on DeviceId"),
    ("DeviceEvents | union (", "DeviceInfo", ")"),
    ("DeviceEvents | where DeviceId in (", "DeviceInfo", ")"),
    ("DeviceEvents | mv-apply AdditionalFields on (", "take 1", ")"),
    ("DeviceEvents | partition by DeviceId (", "take 1", ")"),
    ("DeviceEvents | partition by DeviceId {", "DeviceEvents", "}"),
    ("DeviceEvents | fork (", "take 1", ")"),
    ("DeviceEvents | facet by DeviceId with (", "take 1", ")"),
    ("partition by DeviceId (", "take 1", ")"),
    ("mv-apply AdditionalFields on (", "take 1", ")"),
    ("let f = () {", "1", "}; "),
    ("{ let a = ", "1", "; }"),
    ("let a = materialize(", "DeviceEvents", "); "),
    ("(DeviceEvents | ", "take 1", ")"),
    ("'", "a", ""),
    ("/*", "a", "*/"),
    ("```", "a", "```"),
    ("let f = () { let g = ", "1", "; g }; "),
    ("DeviceEvents | where ReportId == toscalar(", "DeviceInfo | count", ")"),
    ("search in (", "DeviceEvents", ") 'a'"),
    ("find in (", "DeviceEvents", ") where true"),
    ("case(", "1", ")"),
    ("['a'](", "1", ")"),
    ("let f = (T:(a:long)) {", "T", "}; "),
    ("datatable(a:long)[", "1", "]"),
    ("$left.a[", "1", "]"),
    ("a has_any (", "'b'", ")"),
    ("a !in~ (", "'b'", ")"),
    ("1 - (", "1", ")"),
    ("- (", "1", ")"),
    ("not (", "true", ")"),
    ("bag_pack('a', ", "1", ")"),
    ("database('a').", "T", ""),
    ("a.", "b", ""),
    ("T | as x | union (", "T", ")"),
    ("DeviceEvents | scan with (step s: ", "true", ";)"),
    ("DeviceEvents | evaluate pivot(", "FileName", ")"),
    ("(a)", "b", ""),
    ("((a), ", "b", ")"),
    ("(a, ", "b", ")"),
    ("typeof(", "long", ")"),
];

/// The same with something before them.
const LEVELS_WITHIN: &[(&str, &str, &str, &str)] = &[
    ("print dynamic(", "[", "1", "]"),
    ("print dynamic(", "{\"a\":", "1", "}"),
    ("print parse_json('", "[", "1", "]"),
    ("print parse_json('", "{\"a\":", "1", "}"),
    ("print parse_xml('", "<a>", "1", "</a>"),
    ("print 'a' matches regex '", "(", "a", ")"),
    ("print 'a' matches regex '", "(?:", "a", ")"),
    ("alerts?$filter=", "(", "true", ")"),
    ("alerts?$filter=", "not ", "true", ""),
    ("alerts?$filter=", "not(", "true", ")"),
    ("alerts?$filter=", "evidence/any(e:", "true", ")"),
    ("alerts?$filter=", "tolower(", "title", ")"),
    ("alerts?$filter=", "-", "1", ""),
    ("alerts?$expand=", "a($expand=", "b", ")"),
    ("alerts?$select=", "a($select=", "b", ")"),
    ("alerts?$filter=", "(1 add 1 add 1 add 1 add 1 add 1 add ", "1", ")"),
    ("alerts?$filter=", "(", "1", " add 1 add 1 add 1 add 1 add 1 add 1)"),
    ("alerts?$filter=", "(", "1", " eq 1 or true)"),
    ("alerts?$filter=", "case(true:", "1", ",false:2)"),
    ("alerts?$filter=title in ", "[", "'a'", "]"),
    ("alerts?$filter=title eq ", "{\"a\":", "1", "}"),
    ("alerts?$filter=", "a/$count($filter=", "true", ") gt 1"),
    ("alerts?$filter=", "a/any(x:", "true", ") or false"),
    ("alerts?$apply=", "groupby((title),", "identity", ")"),
    ("alerts?$apply=", "concat(identity,", "identity", ")"),
    ("alerts?$apply=aggregate(", "$these/aggregate(", "incidentId with sum", ") with sum as n"),
    ("alerts?$apply=", "nest(", "identity", " as a)"),
    ("alerts?$apply=", "join(evidence as e,", "identity", ")"),
    ("alerts?$apply=", "ancestors($root/a,b,c,", "identity", ",1)"),
    ("alerts?$apply=", "traverse($root/a,b,c,preorder,", "identity", ",a)"),
    ("alerts?$apply=", "groupby((rolluprecursive($root/a,b,c,", "identity", ")))"),
    ("alerts?$filter=a eq geography'", "SRID=0;GeometryCollection(", "Point(1 1)", ")"),
];

/// What may follow a pipeline again and again.
const STAGES: &[&str] = &[
    " | where true",
    " | take 1",
    " | extend x = 1",
    " | extend x = ReportId + 1",
    " | project FileName",
    " | count",
    " | summarize count() by FileName",
    " | sort by FileName",
    " | distinct *",
    " | join DeviceInfo on DeviceId",
    " | join kind=leftouter (DeviceInfo) on DeviceId",
    " | union DeviceInfo",
    " | union (DeviceInfo | take 1)",
    " | mv-expand AdditionalFields",
    " | parse FileName with a 'b' c",
    " | project-away FileName",
    " | project-rename Other = FileName",
    " | as T",
    " | serialize n = row_number()",
    " | evaluate narrow()",
    " | where FileName in (DeviceInfo)",
    " | extend x = toscalar(DeviceInfo | count)",
    " | top 1 by FileName",
    " | mv-apply AdditionalFields on (take 1)",
    " | partition by FileName (take 1)",
    " | render table",
    " | make-series count() on Timestamp step 1d",
    " | search 'a'",
    " | invoke f()",
    " | getschema",
    " | summarize x# = count() by FileName",
    " | project x# = ReportId, ReportId",
    " | mv-expand x# = AdditionalFields",
    " | extend x# = row_number()",
    " | project-rename x# = FileName | project-rename FileName = x#",
    " | sort by ReportId | extend p = prev(ReportId)",
    " | evaluate bag_unpack(AdditionalFields)",
    " | join kind=inner (DeviceInfo | project DeviceId, x# = 1) on DeviceId",
    " | lookup (DeviceInfo | project DeviceId, x# = 1) on DeviceId",
    " | union (DeviceInfo | extend x# = 1)",
    " | scan with (step s: true;)",
    " | distinct FileName",
    " | top-nested 1 of FileName by count()",
    " | sample 1",
    " | reduce by FileName",
    " | extend x = FileName in (DeviceInfo | project DeviceName)",
    " | parse-kv FileName as (a:long)",
    " | project-reorder F*",
    " | project-keep *",
    " | fork (take 1)",
    " | find 'a'",
    " | consume",
    " | where ReportId in (toscalar(DeviceInfo | count))",
];

/// Statements of which each uses the one before: the first, and how the others follow.
const STATEMENTS: &[(&str, &str)] = &[
    ("let a0 = 1;", "let a{+} = a{} + 1;"),
    ("let a0 = 1;", "let a{+} = a{} + a{};"),
    ("let a0 = DeviceEvents;", "let a{+} = a{} | where true;"),
    ("let a0 = DeviceEvents;", "let a{+} = union a{}, a{};"),
    ("let a0 = DeviceEvents;", "let a{+} = materialize(a{} | take 1);"),
    ("let a0 = DeviceEvents;", "let a{+} = a{} | join a{} on DeviceId;"),
    ("let a0 = toscalar(DeviceEvents | count);", "let a{+} = toscalar(DeviceEvents | where ReportId == a{} | count);"),
    ("let a0 = (x:long) { x };", "let a{+} = (x:long) { a{}(x) + 1 };"),
    ("let a0 = (x:long) { x };", "let a{+} = (x:long) { a{}(x) + a{}(x) };"),
    ("let a0 = (x:long) { x };", "let a{+} = (x:long) { a{}(a{}(x)) };"),
    ("let a0 = () { DeviceEvents };", "let a{+} = () { union (a{}()), (a{}()) };"),
    ("let a0 = (T:(*)) { T };", "let a{+} = (T:(*)) { T | invoke a{}() };"),
    ("let a0 = dynamic([1]);", "let a{+} = array_concat(a{}, a{});"),
    ("let a0 = 'a';", "let a{+} = strcat(a{}, a{});"),
    ("let a0 = DeviceEvents;", "let a{+} = a{} | extend x{} = 1;"),
    ("let a0 = () { 1 };", "let a{+} = () { a{}() };"),
    ("let a0 = 1;", "let a{+} = iff(a{} > 1, a{}, a{} + 1);"),
    ("let a0 = datatable(x:long)[1];", "let a{+} = a{} | where x in (a{});"),
    ("let a0 = datatable(x:long)[1];", "let a{+} = a{} | extend y{} = toscalar(a{} | count);"),
    ("let a0 = (x:long) { x };", "let a{+} = (x:long) { let y = a{}(x); y + y };"),
    ("let a0 = dynamic({});", "let a{+} = bag_pack('a', a{});"),
    ("let a0 = ReportId;", "let a{+} = a{} + a{};"),
    ("let a0 = () { DeviceEvents };", "let a{+} = () { a{}() | join a{}() on DeviceId };"),
];

#[test]
fn a_megabyte_of_one_thing() {
    all(ALONE.iter().map(|one| one.repeat(MEGABYTE / one.len() / part())));
}

#[test]
fn a_megabyte_of_kql() {
    megabytes(KQL);
}

#[test]
fn a_megabyte_of_odata() {
    megabytes(ODATA);
}

/// Each stands for the next more than once: what they come to must be counted before it is written out.
#[test]
fn parameters_of_parameters() {
    let doubled = |count: usize| (0..count).map(|at| format!("&@p{at}=@p{0} add @p{0} add @p{0}", at + 1));
    let high: String = (0..60).map(|_| "(1").chain((0..60).map(|_| " add 1 add 1)")).collect();
    let chained = |at: usize| format!("&@p{at}=not(not(not({}@p{}{})))", "tolower(".repeat(50), at + 1, ")".repeat(50));
    all([
        format!("alerts?$filter=@p0 eq 1{}&@p40=1", doubled(40).collect::<String>()),
        format!("alerts?$filter=@p0 eq 1{}&@p15=evidence/any(e:true)", doubled(15).collect::<String>()),
        format!("alerts?$filter={high} eq 1"),
        format!("alerts?$filter=@p0{}&@p16=title", (0..16).map(chained).collect::<String>()),
        format!(
            "alerts?$compute=1 as a0{}",
            (0..60).map(|at| format!(",a{at} add a{at} as a{}", at + 1)).collect::<String>()
        ),
        format!("alerts?$apply={}identity", "concat(identity,identity)/".repeat(100)),
        format!("alerts?$apply={}identity", "compute(1 as a)/".repeat(150)),
        format!("alerts?$apply={}identity", "groupby((title),filter(true))/".repeat(150)),
    ]);
}

/// Every function over texts that are long, in whichever place.
#[test]
fn functions_of_long_texts() {
    let long = MEGABYTE / 4 / part();
    let names = functions::all().filter(|one| !one.is_operator()).map(|one| one.name());
    all(names.flat_map(move |name| {
        ["ab", "a,", "\\n", "<a>"].into_iter().enumerate().flat_map(move |(at, piece)| {
            let text = format!("'{}'", piece.repeat(long / piece.len()));
            let counts = if at == 0 { 1..=4 } else { 1..=2 };
            counts.map(move |count| format!("print {name}({})", vec![text.as_str(); count].join(", ")))
        })
    }));
}

#[test]
fn nesting() {
    let deep = DEEP / part();
    let levels = LEVELS.iter().flat_map(move |(open, inner, close)| {
        ["", "print x = "].into_iter().flat_map(move |before| {
            let opened = format!("{before}{}{inner}", open.repeat(deep));
            [format!("{opened}{}", close.repeat(deep)), opened]
        })
    });
    all(levels.chain(LEVELS_WITHIN.iter().flat_map(move |(before, open, inner, close)| {
        let end = match before.chars().last() {
            Some('\'') => "')",
            Some('(') => ")",
            _ => "",
        };
        let opened = format!("{before}{}{inner}", open.repeat(deep));
        [format!("{opened}{}{end}", close.repeat(deep)), format!("{opened}{end}")]
    })));
}

#[test]
fn chains_of_operators() {
    let links = LINKS / part();
    all(operators::ALL.iter().flat_map(move |operator| {
        let symbol = operator.symbol;
        let forms = match operator.right {
            Right::Operand => vec![format!(" {symbol} 1"), format!(" {symbol} FileName"), format!(" {symbol} 'a'")],
            Right::List => vec![format!(" {symbol} (1)"), format!(" {symbol} ('a') and FileName")],
            Right::Range => vec![format!(" {symbol} (1 .. 2)"), format!(" {symbol} (1 .. 2) and ReportId")],
            Right::Prefix => vec![" - 1".into(), " + +1".into(), " - -ReportId".into()],
        };
        forms.into_iter().flat_map(move |form| {
            ["DeviceEvents | where FileName", "DeviceEvents | where ReportId", "print 1"]
                .map(|before| format!("{before}{}", form.repeat(links)))
        })
    }));
}

#[test]
fn chains_of_stages() {
    let links = LINKS / part();
    let stages = STAGES.iter().map(move |stage| format!("DeviceEvents{}", repeat(stage, links)));
    // As many as may be: what follows works on relations as deep.
    let most = STAGES.iter().map(move |stage| format!("DeviceEvents{}", repeat(stage, 500 / part().min(10))));
    all(stages.chain(most).chain(
        [".a", "['a']", "[0]", "..a", "()", ".a()"]
            .into_iter()
            .map(move |link| format!("DeviceEvents | where AdditionalFields{}", link.repeat(links))),
    ));
}

#[test]
fn chains_of_statements() {
    let links = LINKS / part();
    all(STATEMENTS.iter().flat_map(move |(first, next)| {
        let mut text = (*first).to_owned();
        for at in 0..links {
            text.push_str(&next.replace("{+}", &(at + 1).to_string()).replace("{}", &at.to_string()));
        }
        ["print x = a#", "print x = a#()", "print x = a#(1)", "a#", "a#()", "a# | count"]
            .map(|end| format!("{text} {}", end.replace('#', &links.to_string())))
    }));
}
