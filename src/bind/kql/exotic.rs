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

const LINES: &str = "let stops = datatable(stop:string, wifi:bool)['a',true, 'b',false, 'c',true, 'd',false];
    let lines = datatable(src:string, dst:string, line:string)
        ['a','b','red', 'b','c','red', 'c','a','red', 'c','d','blue', 'a','d','green'];
    let G = lines | make-graph src --> dst with stops on stop; ";

fn graph(operators: &str) -> String {
    rows(&format!("{LINES}{operators}"))
}

#[test]
fn patterns_are_found_in_graphs() {
    insta::assert_snapshot!(graph("G | graph-match (x)-[e]->(y)-[f]->(z) where e.line == f.line and x.wifi
        project x.stop, y.stop, z = z.stop"), @r"
        x_stop y_stop z
        a b c
        c a b
        ");
    insta::assert_snapshot!(graph("G | graph-match cycles=none (x)-[e*1..5]->(y) where x.stop == 'a' and y.stop == 'd'
        project lines = map(e, line), e.dst, inside = map(inner_nodes(e), strcat(stop, node_degree_out()))"), @r#"
        lines e_dst inside
        ["red","red","blue"] ["b","c","d"] ["b1","c2"]
        ["green"] ["d"] []
        "#);
    insta::assert_snapshot!(graph("G | graph-match (x)-[e*0..3]->(y) where x.stop == 'a' and all(e, line == 'red') project y.stop, length = array_length(map(e, 1))"), @r"
        y_stop length
        a 0
        b 1
        c 2
        a 3
        ");
    insta::assert_snapshot!(graph("G | graph-match (x)-->(y)-->(z), (x)--(z) where node_degree_in(z) > 1 project x.stop, y.stop, z.stop"), @r"
        x_stop y_stop z_stop
        c a d
        ");
    insta::assert_snapshot!(graph("G | graph-shortest-paths output=all (x)-[e*1..9]->(y) where y.stop == 'd' project x.stop, map(e, line)"), @r#"
        x_stop Column1
        a ["green"]
        b ["red","blue"]
        c ["blue"]
        "#);
    insta::assert_snapshot!(graph("G | graph-match (x)-[e*1..2]->(y) where e.line == 'red' project x.stop"), @r"
        error[K0201]: `e` stands for several edges
         --> query:4:104
          |
        4 | with stops on stop; G | graph-match (x)-[e*1..2]->(y) where e.line == 'red' project x.stop
          |                                                             ^
          = help: ask with `all(e, …)` or `any(e, …)`
        ");
    insta::assert_snapshot!(graph("G | graph-match (x)-->(y), (z)-->(w) project x.stop"), @r"
        error[K0301]: every sequence must share a node with those before it
         --> query:4:68
          |
        4 |  G = lines | make-graph src --> dst with stops on stop; G | graph-match (x)-->(y), (z)-->(w) project x.stop
          |                                                             ^^^^^^^^^^^
        ");
}

#[test]
fn long_ways_through_graphs_stay_within_a_small_stack() {
    let run = || {
        let ring = "range i from 0 to 1499 step 1 | extend j = (i + 1) % 1500 | make-graph i --> j with_node_id=n | ";
        let way = |pattern: &str| rows(&format!("{ring}graph-match {pattern} where a.n == 0 project a.n | count"));
        assert_eq!(way("(a)-[e*1..250]->(b)"), "Count\n250");
        assert_eq!(way(&format!("(a){}", "-->()".repeat(250))), "Count\n1");
        let refused = "a match of more than 256 edges is not looked for";
        assert_eq!(way("(a)-[e*1..2000]->(b)"), refused);
        let knot = "range i from 0 to 99 step 1 | extend k = 1 | join kind=inner (range j from 0 to 99 step 1 | \
                    extend k = 1) on k | make-graph i --> j with_node_id=n | ";
        let shortest = "graph-shortest-paths (a)-[e*1..99]->(b) where a.n == 0 project length = array_length(map(e, k)) | \
                        summarize count() by length = tolong(length)";
        assert_eq!(rows(&format!("{knot}{shortest}")), "length count_\n1 99");
        assert_eq!(
            rows(&format!("{knot}graph-match (a)-[e*1..5]->(b) project 1 | count")),
            "more than 1000000 rows in the row half"
        );
    };
    let thread = std::thread::Builder::new().stack_size(3 << 19).spawn(run);
    assert!(thread.is_ok_and(|thread| thread.join().is_ok()));
}

#[test]
fn graphs_are_no_tables() {
    insta::assert_snapshot!(graph("G | graph-mark-components kind=strong with_component_id=c | graph-to-table nodes"), @r"
        stop wifi c
        a True 0
        b False 0
        c True 0
        d False 1
        ");
    insta::assert_snapshot!(graph("G | graph-to-table edges | where line != 'red'"), @r"
        src dst line
        c d blue
        a d green
        ");
    insta::assert_snapshot!(graph("lines | make-graph src --> dst with_node_id=id | graph-to-table nodes"), @r"
        id
        a
        b
        c
        d
        ");
    insta::assert_snapshot!(graph("G | count"), @r"
        error[K0205]: a graph stands where a table is expected
         --> query:4:68
          |
        4 |  G = lines | make-graph src --> dst with stops on stop; G | count
          |                                                             ^^^^^
          = help: make it a table with `graph-to-table` or `graph-match`
        ");
    insta::assert_snapshot!(graph("lines | graph-match (x)-->(y) project x.stop"), @r"
        error[K0205]: this operator needs a graph before it
         --> query:4:72
          |
        4 |  lines | make-graph src --> dst with stops on stop; lines | graph-match (x)-->(y) project x.stop
          |                                                             ^^^^^^^^^^^
          = help: make one with `make-graph`
        ");
}

#[test]
fn graphs_lose_nodes_and_edges() {
    insta::assert_snapshot!(graph("G | graph-where-nodes wifi or stop == 'd' | graph-to-table edges"), @r"
        src dst line
        c a red
        c d blue
        a d green
        ");
    insta::assert_snapshot!(graph("G | graph-where-edges line == 'red' | graph-where-nodes stop != 'b'
        | graph-match (x)-->(y) project x.stop, y.stop"), @r"
        x_stop y_stop
        c a
        ");
    insta::assert_snapshot!(graph("G | graph-where-edges line == 'green' | graph-to-table nodes | count"), @r"
        Count
        4
        ");
}

#[test]
fn what_has_no_meaning_here_says_why() {
    insta::assert_snapshot!(rows("print cursor_current()"), @r"
    error[K0802]: `cursor_current` has no meaning: the store does not say when each row was taken in
     --> query:1:7
      |
    1 | print cursor_current()
      |       ^^^^^^^^^^^^^^
      = help: keep the `Timestamp` of the last row that was read
    ");
    insta::assert_snapshot!(rows("materialized_view('V') | count"), @r"
    error[K0802]: `materialized_view` has no meaning: no views are kept here
     --> query:1:1
      |
    1 | materialized_view('V') | count
      | ^^^^^^^^^^^^^^^^^
      = help: save the query as a function: `sighthound function add NAME -f FILE`
    ");
}

#[test]
fn new_ids_are_followed_through_later_steps() {
    insta::assert_snapshot!(rows("datatable(t:datetime, u:dynamic)[
        datetime(2019-11-01), dynamic([0,2,3,4]), datetime(2019-11-02), dynamic([0,1,3,4,5]),
        datetime(2019-11-03), dynamic([0,2,4,5]), datetime(2019-11-04), dynamic([0,1,2,3])]
        | mv-expand u to typeof(long)
        | evaluate new_activity_metrics(u, t, datetime(2019-11-01), datetime(2019-11-05) - 1tick, 1d)
        | where from_t < datetime(2019-11-03) | project-away dcount_churn_values, churn_rate"), @r"
        from_t to_t dcount_new_values dcount_retained_values retention_rate
        2019-11-01T00:00:00.0000000Z 2019-11-01T00:00:00.0000000Z 4 4 1.0
        2019-11-01T00:00:00.0000000Z 2019-11-02T00:00:00.0000000Z 2 3 0.75
        2019-11-01T00:00:00.0000000Z 2019-11-03T00:00:00.0000000Z 1 3 0.75
        2019-11-01T00:00:00.0000000Z 2019-11-04T00:00:00.0000000Z 1 3 0.75
        2019-11-02T00:00:00.0000000Z 2019-11-02T00:00:00.0000000Z 2 2 1.0
        2019-11-02T00:00:00.0000000Z 2019-11-03T00:00:00.0000000Z 0 1 0.5
        2019-11-02T00:00:00.0000000Z 2019-11-04T00:00:00.0000000Z 0 1 0.5
        ");
}
