//! Operators that no column engine has, from text to rows.
use crate::bind::{self, Context};
use crate::catalog::Known;
use crate::rows::{Budget, Env, NoTables, run};
use crate::syntax::kql::parse;
use crate::text::{Source, render};

/// The first answer of a text: a line of names, then a line for each row; or what is wrong.
fn rows(text: &str) -> String {
    let source = Source::new(text);
    let context = Context { tables: &Known, now: 0, parameters: &[], data: None, saved: &[] };
    let bound = match parse(&source).into_result().and_then(|query| bind::kql(&query, &context)) {
        Ok(bound) => bound,
        Err(faults) => return render::render(&source, &faults),
    };
    let env = Env { now: 0, each: None, source: &NoTables, budget: Budget::default() };
    match bound.results.first().map(|answer| run(&answer.rel, &env)) {
        Some(Ok(table)) => {
            let mut lines = vec![table.schema.names().collect::<Vec<_>>().join(" ")];
            for row in &table.rows {
                let cells = row.iter().map(|cell| if cell.is_null() { "null".into() } else { cell.text() });
                lines.push(cells.collect::<Vec<_>>().join(" "));
            }
            lines.join("\n")
        }
        Some(Err(error)) => error.to_string(),
        None => "no answer".into(),
    }
}

const SALES: &str = "datatable(area:string, who:string, sum:long)[
    'north','ann',5, 'north','bob',7, 'south','cid',1, 'south','dan',2, 'east','eve',4] | ";

fn sales(operators: &str) -> String {
    rows(&format!("{SALES}{operators}"))
}

#[test]
fn scan_puts_out_the_last_of_a_series_where_asked() {
    insta::assert_snapshot!(rows(
        "datatable(t:long, e:string)[1,'start', 2,'start', 3,'x', 4,'stop', 5,'start']
         | scan with_match_id=id declare (begun:long) with (
             step a output=last: e == 'start' => begun = t;
             step b: e != 'start' and t - a.t < 3 => begun = a.t;)"
    ), @r"
        t e begun id
        2 start 2 0
        3 x 2 0
        4 stop 2 0
        5 start 5 1
    ");
}

#[test]
fn scan_keeps_a_state_for_each_partition() {
    insta::assert_snapshot!(rows(
        "datatable(k:string, v:long)['a',1, 'b',10, 'a',2, 'b',20]
         | scan partition by k declare (sum:long=0) with (step s: true => sum = s.sum + v;)"
    ), @r"
        k v sum
        a 1 1
        b 10 10
        a 2 3
        b 20 30
    ");
}

#[test]
fn top_nested_tells_of_the_others() {
    insta::assert_snapshot!(sales(
        "top-nested 1 of area with others = 'elsewhere' by total = sum(sum), top-nested 1 of who by max(sum)"
    ), @r"
        area total who aggregated_who
        north 12 bob 7
        elsewhere 7  4
    ");
}

#[test]
fn a_series_has_every_step_of_its_axis() {
    insta::assert_snapshot!(rows(
        "datatable(t:long, v:long)[0,1, 1,2, 4,4] | make-series n = count(), r = sum(v) + 1 default = -1 on t in range(0, 4, 2)"
    ), @r"
        n r t
        [2,0,1] [4,-1,5] [0,2,4]
    ");
    insta::assert_snapshot!(rows("datatable(t:real, v:long)[0.5,1, 1.4,2] | make-series sum(v) on t step 0.5"), @r"
        sum_v t
        [1,2] [0.5,1.0]
    ");
    insta::assert_snapshot!(
        rows("datatable(t:long, v:long)[] | make-series kind=nonempty avg(v) on t from 0 to 3 step 1"), @r"
        avg_v t
        [0.0,0.0,0.0] [0,1,2]
    ");
}

#[test]
fn pivot_and_narrow_turn_tables_over() {
    insta::assert_snapshot!(sales("project area, sum | evaluate pivot(area, sum(sum))"), @r"
        east north south
        4 12 3
    ");
    insta::assert_snapshot!(sales("take 1 | evaluate narrow()"), @r"
        Row Column Value
        0 area north
        0 who ann
        0 sum 5
    ");
}

#[test]
fn bag_unpack_takes_types_from_the_values() {
    insta::assert_snapshot!(rows(
        "datatable(n:string, d:dynamic)['x',dynamic({'b':1,'a':true}), 'y',dynamic({'b':1.5,'c':[1]}), 'z',dynamic({'c':'t'})]
         | evaluate bag_unpack(d, 'p_') | extend types = strcat(gettype(p_a), gettype(p_b), gettype(p_c))"
    ), @r"
        n p_a p_b p_c types
        x True 1.0 null boolrealnull
        y null 1.5 [1] boolrealarray
        z null null t boolrealstring
    ");
    insta::assert_snapshot!(rows("print n='x', d=dynamic({'n':1}) | evaluate bag_unpack(d)"), @r"
        error[K0105]: a property of the bag is called like the column `n`
         --> query:1:44
          |
        1 | print n='x', d=dynamic({'n':1}) | evaluate bag_unpack(d)
          |                                            ^^^^^^^^^^
          = help: say which counts: `columnsConflict='keep_source'` or `'replace_source'`
    ");
    insta::assert_snapshot!(rows("print n='x', d=dynamic({'n':1}) | evaluate bag_unpack(d, columnsConflict='replace_source')"), @r"
        n
        1
    ");
}

#[test]
fn a_body_runs_for_the_elements_of_each_row() {
    insta::assert_snapshot!(rows(
        "datatable(n:long, a:dynamic)[1,dynamic([3,1,2]), 2,dynamic([]), 3,dynamic(null), 4,dynamic([9])]
         | mv-apply with_itemindex=i x = a to typeof(long) on (top 1 by x asc | project least = x, i)"
    ), @r"
        n a least i
        1 [3,1,2] 1 1
        3 null null 0
        4 [9] 9 0
    ");
    insta::assert_snapshot!(sales("partition by area (top 1 by sum | project who, area)"), @r"
        who area
        bob north
        dan south
        eve east
    ");
}

#[test]
fn windows_look_at_rows_around() {
    insta::assert_snapshot!(sales(
        "sort by area asc, sum asc | extend n = row_number(1, area != prev(area)), \
         c = row_cumsum(sum, area != prev(area)), later = next(who), dense = row_rank_dense(area), low = row_rank_min(area)"
    ), @r"
        area who sum n c later dense low
        east eve 4 1 4 ann 1 1
        north ann 5 1 5 bob 2 2
        north bob 7 2 12 cid 2 2
        south cid 1 1 1 dan 3 4
        south dan 2 2 3  3 4
    ");
    insta::assert_snapshot!(rows(
        "datatable(t:timespan)[0m, 2m, 4m, 20m, 23m, 27m] | extend t = datetime(2020-01-01) + t | sort by t asc
         | extend s = row_window_session(t, 6m, 5m) | project m = (t - s) / 1m"
    ), @r"
        m
        0.0
        2.0
        4.0
        0.0
        3.0
        0.0
    ");
}

#[test]
fn ranges_hold_both_ends() {
    insta::assert_snapshot!(rows("range x from 1 to 2 step 0.5"), @r"
        x
        1.0
        1.5
        2.0
    ");
    insta::assert_snapshot!(rows("range x from 3 to 1 step -1"), @r"
        x
        3
        2
        1
    ");
    insta::assert_snapshot!(rows("range x from 1 to 3 step 0"), @r"
        error[K0204]: a step of zero leads nowhere
         --> query:1:26
          |
        1 | range x from 1 to 3 step 0
          |                          ^
    ");
}

#[test]
fn bins_may_be_set_beforehand() {
    insta::assert_snapshot!(rows(
        "set query_bin_auto_size=1h; set query_bin_auto_at=datetime(2017-01-01 00:05);
         range t from datetime(2017-01-01 00:05) to datetime(2017-01-01 02:00) step 1m | summarize count() by bin_auto(t)"
    ), @r"
    t count_
    2017-01-01T00:05:00.0000000Z 60
    2017-01-01T01:05:00.0000000Z 56
    ");
}

#[test]
fn what_grows_past_the_budget_is_refused() {
    assert_eq!(rows("range x from 1 to 100000000 step 1 | count"), "more than 1000000 rows in the row half");
    let cross = "let t = range x from 1 to 5000 step 1 | extend k = 1; t | join kind=inner t on k | count";
    assert_eq!(rows(cross), "more than 1000000 rows in the row half");
}
