//! The tabular operators and plug-ins as the reference shows them: how each is written, what it does, and a query whose
//! answer stands in `grammar/REFERENCE.md` as it came out.

/// One operator or plug-in.
pub struct Shown {
    pub name: &'static str,
    /// How it is written; `[…]` may be left out, `…` goes on in the same way.
    pub form: &'static str,
    /// Empty for a plug-in, which has its words where its meaning is.
    pub doc: &'static str,
    /// Over [`TABLE`], which is called `T` in it.
    pub example: &'static str,
}

/// The table that the examples are about.
pub const TABLE: &str =
    "let T = datatable(k:string, n:long, s:string)['a', 1, 'id=1 up', 'b', 2, 'id=2 down', 'a', 3, 'none'];";

/// The graph that the examples are about.
pub const GRAPH: &str =
    "let G = datatable(a:string, b:string)['x', 'y', 'y', 'z'] | make-graph a --> b with_node_id=n;";

const fn shown(name: &'static str, form: &'static str, doc: &'static str, example: &'static str) -> Shown {
    Shown { name, form, doc, example }
}

/// The operators, in the order of the alphabet.
pub const OPERATORS: &[Shown] = &[
    shown(
        "as",
        "as name",
        "Names the rows up to here: later steps can read them again, `union withsource` calls them so.",
        "T | where n > 1 | as Big | union (Big | count)",
    ),
    shown(
        "assert-schema",
        "assert-schema (column:type, …)",
        "Refuses the query unless the columns are exactly these.",
        "T | project n | assert-schema (n:long)",
    ),
    shown("consume", "consume", "Reads all rows and gives none.", "T | consume"),
    shown("count", "count [as name]", "How many rows there are.", "T | count"),
    shown(
        "datatable",
        "datatable (column:type, …) [value, …]",
        "Rows that are written out.",
        "datatable(x:long)[1, 2]",
    ),
    shown("distinct", "distinct column, … | distinct *", "Each combination of values once.", "T | distinct k"),
    shown(
        "evaluate",
        "evaluate [hints] plug-in(…) [: (column:type, …)]",
        "Calls a plug-in.",
        "T | evaluate preview(1)",
    ),
    shown(
        "extend",
        "extend name = expression, …",
        "Adds columns; one that is there already is replaced where it stands.",
        "T | extend n = n * 10, size = strlen(s)",
    ),
    shown(
        "facet",
        "facet by column, … [with (operators)]",
        "For each column an answer with its values and how often they come; with operators one more, of their rows.",
        "T | facet by k with (take 1)",
    ),
    shown(
        "find",
        "find [in (table, …)] [where] condition [project column, …]",
        "The rows of all named tables that fit, with the name of their table.",
        "find in (T) where n == 2 project k",
    ),
    shown("fork", "fork [name =] (operators) …", "Several answers from the same rows.", "T | fork (count) (take 1)"),
    shown("getschema", "getschema", "The columns and their types, a row each.", "T | getschema"),
    shown(
        "graph-mark-components",
        "graph-mark-components [kind = weak | strong] [with_component_id = name]",
        "Numbers the components of a graph in a column of its nodes.",
        "G | graph-mark-components | graph-to-table nodes",
    ),
    shown(
        "graph-match",
        "graph-match [cycles = all | none | unique_edges] (node)-[edge]->(node), … [where condition] project name = \
         expression, …",
        "The places of a graph that a pattern fits. `<-[e]-` goes back, `--` either way, `[e*1..3]` over one to three edges.",
        "G | graph-match (p)-[e*1..2]->(q) where p.n == 'x' project p.n, way = map(e, b)",
    ),
    shown(
        "graph-shortest-paths",
        "graph-shortest-paths [output = any | all] (node)-[edge*1..3]->(node) [where condition] project name = \
         expression, …",
        "The shortest ways between nodes.",
        "G | graph-shortest-paths (p)-[e*1..3]->(q) where p.n == 'x' project q.n, array_length(e.b)",
    ),
    shown(
        "graph-to-table",
        "graph-to-table nodes [as name] [with_node_id = name], edges [as name] [with_source_id = name] \
         [with_target_id = name]",
        "The nodes, the edges, or both as tables.",
        "G | graph-to-table nodes with_node_id=id",
    ),
    shown(
        "graph-where-edges",
        "graph-where-edges condition",
        "The graph without the edges that do not fit.",
        "G | graph-where-edges a == 'x' | graph-to-table edges",
    ),
    shown(
        "graph-where-nodes",
        "graph-where-nodes condition",
        "The graph without the nodes that do not fit, nor the edges at them.",
        "G | graph-where-nodes n != 'z' | graph-to-table edges",
    ),
    shown(
        "invoke",
        "invoke function(…)",
        "Calls a function with the rows as its first argument.",
        "let f = (R:(n:long), least:long) { R | where n >= least }; T | invoke f(3)",
    ),
    shown(
        "join",
        "join [kind = innerunique | inner | leftouter | rightouter | fullouter | leftsemi | rightsemi | leftanti | \
         rightanti] (table) on column, $left.a == $right.b, …",
        "Rows of two tables by equal keys; nulls are equal to each other. Without a kind one row of the left is taken \
         for each key.",
        "T | join kind=inner (datatable(k:string, w:real)['a', 0.5]) on k",
    ),
    shown(
        "lookup",
        "lookup [kind = leftouter | inner] (table) on column, …",
        "The rows with the columns of a small table beside them.",
        "T | lookup (datatable(k:string, w:real)['a', 0.5]) on k",
    ),
    shown(
        "make-graph",
        "make-graph source --> target [with table on column, … | with_node_id = name]",
        "Takes the rows as the edges of a graph.",
        "datatable(a:string, b:string)['x', 'y'] | make-graph a --> b with_node_id=n | graph-to-table nodes",
    ),
    shown(
        "make-series",
        "make-series name = aggregation [default = value], … on axis [from start] [to end] step step [by column, …]",
        "Series over the steps of an axis, its gaps filled. The end is not part of it.",
        "T | make-series sum(n) default=0 on n from 1 to 4 step 1 by k",
    ),
    shown(
        "mv-apply",
        "mv-apply name = array [to typeof(type)], … [limit count] on (operators)",
        "Runs operators over the elements of an array, row by row.",
        "print v = dynamic([1, 5, 3]) | mv-apply v to typeof(long) on (top 1 by v)",
    ),
    shown(
        "mv-expand",
        "mv-expand [bagexpansion = bag | array] [with_itemindex = name] name = array [to typeof(type)], … [limit count]",
        "A row for each element of an array or a bag. A null keeps its row, an empty array does not.",
        "print v = dynamic(['p', 'q']) | mv-expand with_itemindex=i v to typeof(string)",
    ),
    shown(
        "parse",
        "parse [kind = simple | regex | relaxed] [flags = letters] text with 'word' name:type 'word' … *",
        "Columns from a text; what does not fit leaves them empty.",
        "T | parse s with 'id=' id:long ' ' *",
    ),
    shown(
        "parse-kv",
        "parse-kv text as (key:type, …) [with (pair_delimiter = text, kv_delimiter = text, quote = text, escape = \
         text, greedy = bool, regex = text)]",
        "Columns from pairs of keys and values in a text.",
        "print s = 'a=1, b=two' | parse-kv s as (a:long, b:string) with (pair_delimiter=',', kv_delimiter='=')",
    ),
    shown(
        "parse-where",
        "parse-where [kind = simple | regex] [flags = letters] text with …",
        "As `parse`, and only the rows that fit.",
        "T | parse-where s with 'id=' id:long ' ' *",
    ),
    shown(
        "partition",
        "partition [hint.strategy = native | shuffle | legacy] by column (operators)",
        "Runs operators over the rows of each value.",
        "T | partition by k (top 1 by n)",
    ),
    shown("print", "print name = expression, …", "One row of values.", "print x = 1 + 1, 'text'"),
    shown("project", "project name = expression, …", "Only these columns.", "T | project k, twice = n * 2"),
    shown("project-away", "project-away pattern, …", "All columns but these.", "T | project-away s*"),
    shown(
        "project-by-names",
        "project-by-names 'name', dynamic(['name', …]), …",
        "The columns of these names, as far as they are there.",
        "T | project-by-names dynamic(['n', 'none'])",
    ),
    shown(
        "project-keep",
        "project-keep pattern, …",
        "Only these columns, in the table's order.",
        "T | project-keep n, k",
    ),
    shown("project-rename", "project-rename new = old, …", "Other names, nothing else.", "T | project-rename key = k"),
    shown(
        "project-reorder",
        "project-reorder pattern [asc | desc | granny-asc | granny-desc], …",
        "These columns first.",
        "T | project-reorder s",
    ),
    shown(
        "range",
        "range name from first to last step step",
        "The values from one end to the other, both included.",
        "range x from 1 to 5 step 2",
    ),
    shown(
        "reduce",
        "reduce by text [with threshold = share, characters = text]",
        "Texts that are alike, as patterns with the number of their rows.",
        "datatable(s:string)['disk 1 is full', 'disk 2 is full', 'disk 3 is full'] | reduce by s",
    ),
    shown(
        "render",
        "render chart [with (title = text, …)]",
        "Says how the answer is to be drawn; the rows stay.",
        "T | project k, n | render columnchart",
    ),
    shown("sample", "sample count", "Any rows.", "T | where n == 2 | sample 5"),
    shown(
        "sample-distinct",
        "sample-distinct count of column",
        "Any values of a column, each once.",
        "T | where k == 'a' | sample-distinct 5 of k",
    ),
    shown(
        "scan",
        "scan [with_match_id = name] [order by column, …] [partition by column, …] [declare (name:type = value, …)] with \
         (step name [optional] [output = all | last | none]: condition [=> name = expression, …]; …)",
        "Walks over the rows and keeps a state of each step.",
        "T | sort by n asc | scan declare (sum:long=0) with (step s: true => sum = n + s.sum;)",
    ),
    shown(
        "search",
        "search [kind = case_sensitive] [in (table, …)] condition",
        "The rows of tables that have a text in any column.",
        "search in (T) 'up' or n == 3",
    ),
    shown(
        "serialize",
        "serialize [name = expression, …]",
        "Takes the rows as ordered, which window functions ask for.",
        "T | serialize row = row_number(), before = prev(n)",
    ),
    shown(
        "sort",
        "sort by expression [asc | desc] [nulls first | nulls last], …",
        "Orders the rows, the greatest first.",
        "T | sort by k asc, n",
    ),
    shown(
        "summarize",
        "summarize name = aggregation, … [by name = expression, …]",
        "One row for each group.",
        "T | summarize count(), most = max(n) by k",
    ),
    shown("take", "take count", "So many rows, any of them.", "T | where n > 2 | take 5"),
    shown(
        "top",
        "top count by expression [asc | desc] [nulls first | nulls last]",
        "The first rows in an order.",
        "T | top 2 by n",
    ),
    shown("top-hitters", "top-hitters count of expression [by weight]", "", "T | top-hitters 1 of k by n"),
    shown(
        "top-nested",
        "top-nested [count] of expression [with others = value] by aggregation, top-nested …",
        "",
        "T | top-nested 1 of k with others='rest' by total = sum(n)",
    ),
    shown(
        "union",
        "union [kind = outer | inner] [withsource = name] [isfuzzy = bool] table, …",
        "The rows of all tables. Columns of one name and several types become one for each type.",
        "T | where n == 1 | union (print n = 'x')",
    ),
    shown("where", "where condition", "The rows that fit.", "T | where k == 'a' and s has 'up'"),
];

/// The plug-ins, in the order of the alphabet.
pub const PLUGINS: &[Shown] = &[
    shown(
        "active_users_count",
        "active_users_count(id, time, start, end, window, period, periods, step, [dimension, …])",
        "",
        "datatable(u:string, t:datetime)['a', datetime(2024-01-01), 'a', datetime(2024-01-02), 'b', datetime(2024-01-02)] \
         | evaluate active_users_count(u, t, datetime(2024-01-02), datetime(2024-01-03), 2d, 1d, 2, 1d)",
    ),
    shown(
        "activity_counts_metrics",
        "activity_counts_metrics(id, time, start, end, step, [dimension, …])",
        "",
        "datatable(u:string, t:datetime)['a', datetime(2024-01-01), 'a', datetime(2024-01-02), 'b', datetime(2024-01-02)] \
         | evaluate activity_counts_metrics(u, t, datetime(2024-01-01), datetime(2024-01-03), 1d)",
    ),
    shown(
        "activity_engagement",
        "activity_engagement(id, time, [start, end,] inner, outer, [dimension, …])",
        "",
        "datatable(u:string, t:datetime)['a', datetime(2024-01-01), 'a', datetime(2024-01-02), 'b', datetime(2024-01-02)] \
         | evaluate activity_engagement(u, t, datetime(2024-01-01), datetime(2024-01-03), 1d, 2d)",
    ),
    shown(
        "activity_metrics",
        "activity_metrics(id, time, [start, end,] step, [dimension, …])",
        "",
        "datatable(u:string, t:datetime)['a', datetime(2024-01-01), 'a', datetime(2024-01-02), 'b', datetime(2024-01-02)] \
         | evaluate activity_metrics(u, t, datetime(2024-01-01), datetime(2024-01-03), 1d)",
    ),
    shown(
        "autocluster",
        "autocluster([size_weight], [weight], [seeds], [wildcard, …])",
        "",
        "datatable(p:string, q:long)['a', 1, 'a', 1, 'a', 2, 'b', 3] | evaluate autocluster()",
    ),
    shown(
        "bag_unpack",
        "bag_unpack(bag, [prefix], [columnsConflict], [ignoredProperties]) [: (column:type, …)]",
        "",
        "print d = dynamic({'name': 'x', 'age': 7}) | evaluate bag_unpack(d)",
    ),
    shown(
        "basket",
        "basket([threshold], [weight], [dimensions], [wildcard, …])",
        "",
        "datatable(p:string, q:long)['a', 1, 'a', 1, 'a', 2, 'b', 3] | evaluate basket(0.5)",
    ),
    shown(
        "dcount_intersect",
        "dcount_intersect(sketch, sketch, …)",
        "",
        "range x from 1 to 10 step 1 | summarize a = hll(x), b = hll_if(x, x > 5) | evaluate dcount_intersect(a, b) \
         | project s0, s1",
    ),
    shown(
        "diffpatterns",
        "diffpatterns(split, value, value, [weight], [threshold], [dimensions], [wildcard, …])",
        "",
        "datatable(w:string, p:string)['x', 'a', 'x', 'a', 'y', 'b', 'y', 'a'] | evaluate diffpatterns(w, 'x', 'y')",
    ),
    shown("estimate_rows_count", "estimate_rows_count()", "", "T | evaluate estimate_rows_count()"),
    shown(
        "funnel_sequence",
        "funnel_sequence(id, time, start, end, window, step, state, sequence)",
        "",
        "datatable(u:string, t:datetime, e:string)['a', datetime(2024-01-01), 'in', 'a', datetime(2024-01-02), 'out'] \
         | evaluate funnel_sequence(u, t, datetime(2024-01-01), datetime(2024-01-03), 2d, 1d, e, dynamic(['in']))",
    ),
    shown(
        "funnel_sequence_completion",
        "funnel_sequence_completion(id, time, start, end, step, state, sequence, periods)",
        "",
        "datatable(u:string, t:datetime, e:string)['a', datetime(2024-01-01), 'in', 'a', datetime(2024-01-02), 'out'] \
         | evaluate funnel_sequence_completion(u, t, datetime(2024-01-01), datetime(2024-01-03), 2d, e, \
         dynamic(['in', 'out']), dynamic([1d, 2d]))",
    ),
    shown(
        "geo_line_lookup",
        "geo_line_lookup(table, line, longitude, latitude, radius, [return_unmatched], [lookup_area_radius], \
         [return_lookup_key])",
        "",
        "let L = datatable(name:string, line:dynamic)['way', dynamic({'type': 'LineString', 'coordinates': [[0, 0], [1, 0]]})]; \
         print x = 0.5, y = 0.0001 | evaluate geo_line_lookup(L, line, x, y, 100)",
    ),
    shown(
        "geo_polygon_lookup",
        "geo_polygon_lookup(table, polygon, longitude, latitude, [radius], [return_unmatched], [lookup_area_radius], \
         [return_lookup_key])",
        "",
        "let P = datatable(name:string, area:dynamic)['square', dynamic({'type': 'Polygon', 'coordinates': \
         [[[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]]})]; \
         print x = 0.5, y = 0.5 | evaluate geo_polygon_lookup(P, area, x, y)",
    ),
    shown("identity", "identity()", "", "T | take 1 | evaluate identity()"),
    shown(
        "ipv4_lookup",
        "ipv4_lookup(table, address, network, [key, …], [return_unmatched])",
        "",
        "let N = datatable(net:string, site:string)['10.0.0.0/8', 'inside']; \
         print ip = '10.1.2.3' | evaluate ipv4_lookup(N, ip, net)",
    ),
    shown(
        "ipv6_lookup",
        "ipv6_lookup(table, address, network, [return_unmatched])",
        "",
        "let N = datatable(net:string, site:string)['2001:db8::/32', 'papers']; \
         print ip = '2001:db8::7' | evaluate ipv6_lookup(N, ip, net)",
    ),
    shown("narrow", "narrow()", "", "T | take 1 | evaluate narrow()"),
    shown(
        "new_activity_metrics",
        "new_activity_metrics(id, time, start, end, step, [cohort], [dimension, …], [earlier rows])",
        "",
        "datatable(u:string, t:datetime)['a', datetime(2024-01-01), 'a', datetime(2024-01-02), 'b', datetime(2024-01-02)] \
         | evaluate new_activity_metrics(u, t, datetime(2024-01-01), datetime(2024-01-03), 1d)",
    ),
    shown(
        "pivot",
        "pivot(column, [aggregation], [key, …]) [: (column:type, …)]",
        "",
        "T | evaluate pivot(k, sum(n), s)",
    ),
    shown("preview", "preview(count)", "", "T | evaluate preview(1)"),
    shown(
        "rolling_percentile",
        "rolling_percentile(value, percentile, index, bin, bins, [dimension, …])",
        "",
        "range t from 1 to 4 step 1 | extend v = t * 10 | evaluate rolling_percentile(v, 50, t, 1, 2)",
    ),
    shown(
        "rows_near",
        "rows_near(condition, before, [after])",
        "",
        "T | sort by n asc | evaluate rows_near(n == 3, 1)",
    ),
    shown(
        "sequence_detect",
        "sequence_detect(time, step, span, name = condition, …, [dimension, …])",
        "",
        "datatable(t:datetime, e:string)[datetime(2024-01-01), 'in', datetime(2024-01-02), 'out'] \
         | evaluate sequence_detect(t, 2d, 2d, a = (e == 'in'), b = (e == 'out'))",
    ),
    shown(
        "session_count",
        "session_count(id, time, start, end, bin, window, [dimension, …])",
        "",
        "range t from 1 to 9 step 1 | where t !in (4, 5, 6) | extend u = 'a' | evaluate session_count(u, t, 1, 9, 9, 2)",
    ),
    shown(
        "sliding_window_counts",
        "sliding_window_counts(id, time, start, end, window, step, [dimension, …])",
        "",
        "datatable(u:string, t:datetime)['a', datetime(2024-01-01), 'a', datetime(2024-01-02), 'b', datetime(2024-01-02)] \
         | evaluate sliding_window_counts(u, t, datetime(2024-01-01), datetime(2024-01-03), 2d, 1d)",
    ),
];

/// Where an answer or a refusal is another one than the reference engine's or its compiler's, and why; what differs in a
/// single function stands with it.
pub const DIFFERENCES: &[&str] = &[
    "Rows that no `sort by` orders come in any order, as they do there, and seldom in the same.",
    "A column that has several types in the tables of a `union`, `find` or `search` becomes one column for each type. \
     The compiler looks at the first two of the types, and where those are equal it gives one column, which cannot \
     hold the values of the others.",
    "A function that gives several columns, such as `series_fit_line`, gives its first under a single name, as the \
     engine does. The compiler's schema has the others as well.",
    "Where the compiler asks for a literal, such as the period of `datetime_add` or the format of `format_datetime`, any \
     constant will do: a name of a `let` statement, a parameter, `strcat` of texts.",
    "A pattern that cannot be read as a regular expression is a fault of the query and is told before any row is read.",
    "`graph-where-nodes` and `graph-where-edges` may name the columns of the nodes and the edges; the compiler knows of \
     none there.",
    "There is one store and nothing beside it: `database('…')` and `cluster('…')` before the name of a table are passed \
     over.",
    "`externaldata` reads the folders and object stores that the configuration allows, and nothing else.",
    "`dcount`, percentiles and sketches are estimates there as here, each in its own way; `top-hitters` is exact here.",
];
