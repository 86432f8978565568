//! What the binder makes of small texts, and what it says of wrong ones.
use crate::bind::{self, Context, Data};
use crate::catalog::Known;
use crate::ir::{self, Rel, RelOp};
use crate::rows;
use crate::syntax::kql::parse;
use crate::text::{Diagnostic, Source, render};

/// Tables without rows.
struct Nothing;

impl Data for Nothing {
    fn rows(&self, rel: &Rel) -> Result<rows::Table, Diagnostic> {
        Ok(rows::Table { schema: rel.schema.clone(), rows: Vec::new() })
    }
}

fn bound(text: &str) -> Result<Rel, String> {
    whole(text).and_then(|bound| bound.results.into_iter().next().map(|one| one.rel).ok_or_else(|| "no result".into()))
}

fn whole(text: &str) -> Result<ir::Bound, String> {
    let source = Source::new(text);
    let context =
        Context { tables: &Known, now: 0, parameters: &[("limit".into(), "3".into())], data: None, saved: &[] };
    let bound = parse(&source).into_result().and_then(|query| bind::kql(&query, &context));
    bound.map_err(|faults| render::render(&source, &faults))
}

/// The columns of a text's first answer.
fn columns(text: &str) -> String {
    match bound(text) {
        Ok(rel) => rel.schema.columns.iter().map(|c| format!("{}:{}", c.name, c.ty)).collect::<Vec<_>>().join(", "),
        Err(faults) => faults,
    }
}

/// The operators of a text, from its end to its source.
fn operators(text: &str) -> String {
    let mut names = Vec::new();
    let mut open = bound(text).ok();
    while let Some(rel) = open {
        let name = format!("{:?}", rel.op);
        let name: String = name.chars().take_while(|c| c.is_alphabetic()).collect();
        let columns: Vec<&str> = rel.schema.names().collect();
        names.push(if columns.len() < 6 { format!("{name}[{}]", columns.join(" ")) } else { name });
        open = rel.op.inputs().first().map(|rel| (*rel).clone());
    }
    names.join(" < ")
}

#[test]
fn columns_get_the_names_that_the_reference_gives() {
    let table = "datatable(a:long, b:string, d:dynamic)[1, 'x', dynamic({})]";
    let of = |rest: &str| columns(&format!("{table} | {rest}"));
    insta::assert_snapshot!(of("project a + 1, tolower(b), d.x.y, d['z'], tostring(d)"), @"Column1:long, Column2:string, d_x_y:dynamic, d_z:dynamic, d:string");
    insta::assert_snapshot!(of("extend b = tostring(a), a, 5"), @"a:long, b:string, d:dynamic, Column1:long");
    insta::assert_snapshot!(of("summarize count(), count(), sum(a), make_set(b), percentiles(a, 5, 99.9) by bin(a, 10)"), @"a:long, count_:long, count_1:long, sum_a:long, set_b:dynamic, percentile_a_5:long, percentile_a_99_9:long");
    insta::assert_snapshot!(of("summarize arg_max(a, *), dcount(b) / 2 by b"), @"b:string, a:long, d:dynamic, Column1:long");
    insta::assert_snapshot!(of("join (datatable(a:long, b:string)[]) on a"), @"a:long, b:string, d:dynamic, a1:long, b1:string");
    insta::assert_snapshot!(of("union withsource=from (datatable(a:string)[])"), @"from:string, a_long:long, a_string:string, b:string, d:dynamic");
    // A name of its own is kept; a name made of a clash gives way.
    insta::assert_snapshot!(columns("union (print a=1), (print a=toint(2)), (print a_long=3)"), @"a_long1:long, a_int:int, a_long:long");
    insta::assert_snapshot!(columns("print 1, x = 'a', now()"), @"print_0:long, x:string, print_2:datetime");
}

#[test]
fn a_hidden_column_keeps_its_name_and_stays_out_of_the_star() {
    insta::assert_snapshot!(columns("AlertInfo | where TimeGenerated > ago(1d) | project TimeGenerated, Title"), @"TimeGenerated:datetime, Title:string");
    insta::assert_snapshot!(columns("AlertInfo | summarize max(TimeGenerated) by bin(TimeGenerated, 1h)"), @"TimeGenerated:datetime, max_TimeGenerated:datetime");
    insta::assert_snapshot!(columns("DeviceInfo | summarize arg_max(TimeGenerated, *) by DeviceId | where Timestamp > ago(1d) | project-keep Device*, Time*"), @"DeviceId:string, TimeGenerated:datetime, DeviceName:string, DeviceCategory:string, DeviceType:string, DeviceSubtype:string, DeviceManualTags:string, DeviceDynamicTags:string");
    insta::assert_snapshot!(operators("AlertInfo | project Timestamp, Title | where TimeGenerated > ago(1d)"), @"Filter[Timestamp Title] < Project[Timestamp Title] < Table");
    insta::assert_snapshot!(operators("AlertInfo | where UnknownProperties.x == 'y' | project Title"), @"Project[Title] < Project < Filter < Table");
}

#[test]
fn statements_give_their_names_to_what_follows() {
    insta::assert_snapshot!(columns("let f = (T:(a:long), n:long = 2) { T | extend m = a * n }; datatable(a:long)[1] | invoke f(3)"), @"a:long, m:long");
    insta::assert_snapshot!(columns("declare query_parameters(limit:long); print limit + 1"), @"print_0:long");
    insta::assert_snapshot!(operators("let T = materialize(AlertInfo | project Title); T | as X | where Title in (X)"), @"Filter[Title] < Shared[Title] < Project[Title] < Table");
}

#[test]
fn faults_stand_where_the_text_is_wrong() {
    insta::assert_snapshot!(columns("AlertInfo\n| where Titel == 'a' and Severty has 5"), @r#"
    error[K0102]: no column is named `Titel`
     --> query:2:9
      |
    2 | | where Titel == 'a' and Severty has 5
      |         ^^^^^
      = help: did you mean `Title`?

    error[K0102]: no column is named `Severty`
     --> query:2:26
      |
    2 | | where Titel == 'a' and Severty has 5
      |                          ^^^^^^^
      = help: did you mean `Severity`?
    "#);
    insta::assert_snapshot!(columns("AlertInf | take 5"), @r#"
    error[K0101]: no table is named `AlertInf`
     --> query:1:1
      |
    1 | AlertInf | take 5
      | ^^^^^^^^
      = help: did you mean `AlertInfo`?
    "#);
    insta::assert_snapshot!(columns("AlertInfo | extend x = strlenn(Title), y = count(), z = row_number()"), @r#"
    error[K0103]: no function is named `strlenn`
     --> query:1:24
      |
    1 | AlertInfo | extend x = strlenn(Title), y = count(), z = row_number()
      |                        ^^^^^^^
      = help: did you mean `strlen`?

    error[K0301]: the aggregation `count` cannot stand here
     --> query:1:44
      |
    1 | AlertInfo | extend x = strlenn(Title), y = count(), z = row_number()
      |                                            ^^^^^
      = help: aggregations stand in `summarize` and its like

    error[K0302]: `row_number` needs rows in a known order
     --> query:1:57
      |
    1 | AlertInfo | extend x = strlenn(Title), y = count(), z = row_number()
      |                                                         ^^^^^^^^^^
      = help: put `serialize` or `sort by` before it
    "#);
    insta::assert_snapshot!(columns("AlertInfo | where Title has dynamic(['a'])"), @r#"
    error[K0201]: `has` looks for one text, not for those of an array
     --> query:1:25
      |
    1 | AlertInfo | where Title has dynamic(['a'])
      |                         ^^^
      = help: ask with `has_any (…)` or `has_all (…)`
    "#);
    insta::assert_snapshot!(columns("AlertInfo | where Title matches regex '('"), @r#"
    error[K0204]: the pattern cannot be read: unclosed group
     --> query:1:39
      |
    1 | AlertInfo | where Title matches regex '('
      |                                       ^^^
    "#);
    insta::assert_snapshot!(columns("AlertInfo | project Title, Title"), @r#"
    error[K0105]: a column named `Title` is there already
     --> query:1:28
      |
    1 | AlertInfo | project Title, Title
      |                            ^^^^^
      = help: give it another name
    "#);
    insta::assert_snapshot!(columns("let f = (x:string) { toscalar(AlertInfo | where Title == x | count) }; AlertInfo | extend n = f(Title)"), @r#"
    error[K0301]: `x` reads columns of a row that is not at hand within this table
     --> query:1:58
      |
    1 | let f = (x:string) { toscalar(AlertInfo | where Title == x | count) }; AlertInfo | extend n = f(Title)
      |                                                          ^
      = help: join the tables instead
    "#);
}

#[test]
fn a_row_of_answers_has_the_values_that_the_text_gives() {
    let Ok(Rel { op: RelOp::Values { rows }, .. }) = bound("print 1 + 2 * 3, strcat('a', 'b'), ago(1d) < now()") else {
        panic!("constants are folded")
    };
    insta::assert_snapshot!(rows[0].iter().map(|value| value.text()).collect::<Vec<_>>().join(" "), @"7 ab True");
}

#[test]
fn schemas_are_those_of_the_reference() {
    let table = "datatable(a:long, b:string, d:dynamic, t:datetime)[]";
    let of = |rest: &str| columns(&format!("{table} | {rest}"));
    // Two that agree settle the type of a name, whatever comes behind them.
    insta::assert_snapshot!(columns("union (print a=1), (print a=2), (print a='x')"), @"a:long");
    insta::assert_snapshot!(of("serialize row_number(), a + 1"), @"a:long, b:string, d:dynamic, t:datetime, Column1:long, Column2:long");
    insta::assert_snapshot!(of("scan declare (n:long, s:string) with (step x: true => n = b, s = a;)"), @"a:long, b:string, d:dynamic, t:datetime, n:long, s:string");
    insta::assert_snapshot!(of("make-series count() on t step 1h by d"), @"d:dynamic, count_:dynamic, t:dynamic");
    insta::assert_snapshot!(of("top-nested 2 of d by count()"), @"d:dynamic, aggregated_d:long");
    insta::assert_snapshot!(of("mv-expand b = d"), @"a:long, b:dynamic, d:dynamic, t:datetime");
    insta::assert_snapshot!(of("project B = a, a, c = b | project-reorder * asc"), @"a:long, B:long, c:string");
    insta::assert_snapshot!(columns("let f = (n:long, s:string, t:datetime) { print n, s, t }; f('5', 1d, '2020-01-01')"), @"print_0:long, print_1:string, print_2:datetime");
    insta::assert_snapshot!(columns("let f = (s:string = dynamic({})) { print s }; f()"), @r"
    error[K0201]: string is expected here, not dynamic
     --> query:1:21
      |
    1 | let f = (s:string = dynamic({})) { print s }; f()
      |                     ^^^^^^^^^^^
    ");
    insta::assert_snapshot!(of("extend datetime_diff('days', t, t)"), @r"
    error[K0204]: `part` is one of year, quarter, month, week, day, hour, minute, second, millisecond, microsecond, nanosecond
     --> query:1:77
      |
    1 | , b:string, d:dynamic, t:datetime)[] | extend datetime_diff('days', t, t)
      |                                                             ^^^^^^
      = help: did you mean `day`?
    ");
    let names = "datatable(aB:long, AD:long, a10:long, A2:long, b_1:long, ba:long, a02:long, Z:long, _q:long)[]";
    insta::assert_snapshot!(columns(&format!("{names} | project-reorder * asc")), @"a02:long, a10:long, A2:long, aB:long, AD:long, ba:long, b_1:long, Z:long, _q:long");
    insta::assert_snapshot!(columns(&format!("{names} | project-reorder * granny-asc")), @"A2:long, a02:long, a10:long, aB:long, AD:long, ba:long, b_1:long, Z:long, _q:long");
    insta::assert_snapshot!(columns(&format!("{names} | project-reorder * granny-desc")), @"_q:long, Z:long, b_1:long, ba:long, AD:long, aB:long, a10:long, a02:long, A2:long");
    insta::assert_snapshot!(of("sample-distinct 2 of a + 1"), @r"
    error[K0201]: a column is expected here
     --> query:1:77
      |
    1 | , b:string, d:dynamic, t:datetime)[] | sample-distinct 2 of a + 1
      |                                                             ^^^^^
    ");
    insta::assert_snapshot!(of("summarize arg_max(toguid(b), *)"), @r"
    error[K0201]: `arg_max` takes a value with an order, not guid
     --> query:1:74
      |
    1 | ong, b:string, d:dynamic, t:datetime)[] | summarize arg_max(toguid(b), *)
      |                                                             ^^^^^^^^^
    ");
    insta::assert_snapshot!(of("render timechart with (title='x', kind=nothing, title='y')"), @r"
    error[K0204]: `kind` is one of default, unstacked, stacked, stacked100, map
     --> query:1:95
      |
    1 | mic, t:datetime)[] | render timechart with (title='x', kind=nothing, title='y')
      |                                                             ^^^^^^^

    error[K0105]: `title` is given already
     --> query:1:104
      |
    1 | tetime)[] | render timechart with (title='x', kind=nothing, title='y')
      |                                                             ^^^^^
    ");
}

#[test]
fn a_column_that_only_the_data_can_have_is_of_any_type() {
    let of = |rest: &str| {
        let text = format!("datatable(s:string, d:dynamic, t:datetime)[] | evaluate bag_unpack(d) | {rest}");
        let query = parse(&Source::new(text.as_str())).into_result();
        let query = query.unwrap_or_else(|faults| panic!("{faults:?}"));
        let context = Context { tables: &Known, now: 0, parameters: &[], data: Some(&Nothing), saved: &[] };
        match bind::kql(&query, &context) {
            Ok(bound) => bound.results[0].rel.schema.names().collect::<Vec<_>>().join(" "),
            Err(faults) => render::render(&Source::new(text.as_str()), &faults),
        }
    };
    insta::assert_snapshot!(of("where A and B > 1 and C < ago(1d) and A == B | summarize sum(B), max(C), arg_max(D, *) by A, bin(E, 1h)"), @"A E sum_B max_C D s t");
    insta::assert_snapshot!(of("project A, F = B + C, G = iff(D, A, B) | distinct A, F | sort by A | join kind=inner (datatable(A:string)[]) on A"), @"A F A1");
    insta::assert_snapshot!(of("project-keep *z, A, s | project-reorder Q*"), @"s");
    insta::assert_snapshot!(of("mv-apply A on (summarize sum(A), max(B)) | top-nested 2 of s by sum(C)"), @"s aggregated_s");
    // What is known to be a dynamic has no order still.
    insta::assert_snapshot!(columns("datatable(d:dynamic)[] | where d.a and d.b == 1 | sort by d"), @r"
    error[K0201]: a dynamic has no order
     --> query:1:59
      |
    1 | datatable(d:dynamic)[] | where d.a and d.b == 1 | sort by d
      |                                                           ^
      = help: convert it: `tostring(…)`, `tolong(…)`, …
    ");
    insta::assert_snapshot!(columns("datatable(b:bool, n:int)[] | where n between (b .. b)"), @r"
    error[K0201]: `between` is not defined for int and bool and bool
     --> query:1:36
      |
    1 | datatable(b:bool, n:int)[] | where n between (b .. b)
      |                                    ^^^^^^^^^^^^^^^^^^
    ");
}

#[test]
fn a_literal_that_cannot_be_read_is_null_and_said_to_be() {
    let text = "let start = datetime(yesterday); print start, int(99999999999), -99999999999999999999";
    insta::assert_snapshot!(columns(text), @"print_0:datetime, print_1:int, print_2:long");
    insta::assert_snapshot!(whole(text).map(|bound| bound.notices.join("\n")).unwrap_or_default(), @r"
    `datetime(yesterday)` is not a value of type datetime, so it is null
    `int(99999999999)` is not a value of type int, so it is null
    `99999999999999999999` is not a value of type long, so it is null
    ");
}
