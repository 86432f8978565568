//! The tree of a KQL text, as written: nothing is resolved, no sugar is removed. KQL cannot tell a table from a value
//! by its syntax (`let x = Y;`), so there is one [`Expr`] for both; the binder tells them apart.
//! <https://learn.microsoft.com/kusto/query/>
use crate::text::Span;
use crate::types::Type;
use crate::value::Value;

/// A whole text: statements, of which the last (and any other [`Statement::Result`]) gives an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    pub statements: Vec<Statement>,
    pub span: Span,
    /// What whoever reads the answer should know of how the text was read.
    pub notices: Vec<String>,
}

/// A name as written: `DeviceId`, `['Device Id']`. Wildcards (`Device*`) only where an operator takes patterns.
#[derive(Clone, Debug, PartialEq)]
pub struct Name {
    pub text: String,
    pub span: Span,
    /// Written in brackets and quotes.
    pub bracketed: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Statement {
    Let(Let),
    /// `set name = value;` (client request property: known ones are honoured, others ignored as the engine does)
    Set {
        name: Name,
        value: Option<Expr>,
        span: Span,
    },
    /// `declare query_parameters(a:long = 1, …);`
    Declare {
        parameters: Vec<Parameter>,
        span: Span,
    },
    Pattern(PatternDecl),
    /// Known to the grammar, not to us: `alias`, `restrict`.
    Other {
        what: &'static str,
        span: Span,
    },
    Result(Expr),
}

/// `declare pattern name = (a:string)[b:string] { ('x').['y'] = { query }; … }`; without rules where it is only named.
#[derive(Clone, Debug, PartialEq)]
pub struct PatternDecl {
    pub name: Name,
    pub parameters: Vec<ColumnDecl>,
    /// The parameter behind the point.
    pub path: Option<ColumnDecl>,
    pub rules: Vec<PatternRule>,
}

/// The query that stands for one row of values.
#[derive(Clone, Debug, PartialEq)]
pub struct PatternRule {
    pub values: Vec<Expr>,
    pub path: Option<Expr>,
    pub statements: Vec<Statement>,
    pub body: Box<Expr>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Let {
    pub name: Name,
    pub value: LetValue,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub enum LetValue {
    Expr(Expr),
    Lambda(Lambda),
}

/// `[view] (a:string, b:long = 1, T:(x:string, *)) { let …; body }`
#[derive(Clone, Debug, PartialEq)]
pub struct Lambda {
    pub view: bool,
    pub parameters: Vec<Parameter>,
    pub statements: Vec<Statement>,
    pub body: Box<Expr>,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    pub name: Name,
    pub ty: ParameterType,
    pub default: Option<Expr>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ParameterType {
    Scalar(Type),
    /// `T:(x:string, y:long)`; `rest` where the list holds `*`.
    Table {
        columns: Vec<ColumnDecl>,
        rest: bool,
    },
}

/// `name:type` of a datatable, an externaldata, a parse pattern, a plug-in's schema.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnDecl {
    pub name: Name,
    pub ty: Type,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    pub kind: ExprKind,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    Literal {
        value: Value<'static>,
        ty: Type,
    },
    /// A column, a let name, a table, a parameter.
    Name(Name),
    /// `base.name`, `base['name']` where the base is a dynamic; also `$left.x`, `database('d').T`.
    Path {
        base: Box<Expr>,
        name: Name,
    },
    /// `base[index]`
    Element {
        base: Box<Expr>,
        index: Box<Expr>,
    },
    /// `f(a, b)`; an argument may be named (`make_series(… default=0)`, plug-in options).
    Call {
        name: Name,
        args: Vec<Arg>,
    },
    /// `base.f(a, b)`: a function of another database or cluster, `cluster('c').database('d')`.
    Method {
        base: Box<Expr>,
        name: Name,
        args: Vec<Arg>,
    },
    /// `-x`, `+x`: operator symbol `unary-` / `unary+`.
    Unary {
        op: &'static str,
        expr: Box<Expr>,
    },
    /// Infix, by its symbol in `functions::operators`. Chains of `and` and `or` are n-ary: see [`ExprKind::Chain`].
    Binary {
        op: &'static str,
        left: Box<Expr>,
        right: Box<Expr>,
        op_span: Span,
    },
    /// `a and b and c` or `a or b or c`: kept flat, so that a long chain is no deep tree.
    Chain {
        op: &'static str,
        terms: Vec<Expr>,
    },
    /// `x in (a, b)`, `x has_any (…)`, with the negated and `~` forms: operator by symbol. One tabular term is a table.
    In {
        op: &'static str,
        left: Box<Expr>,
        terms: Vec<Expr>,
        op_span: Span,
    },
    /// `x between (a .. b)`: operator `between` or `!between`.
    Between {
        op: &'static str,
        left: Box<Expr>,
        low: Box<Expr>,
        high: Box<Expr>,
    },
    /// `(x)`: kept, because parentheses take part in what may follow and in printing.
    Parenthesised(Box<Expr>),
    /// `*` as an argument or operand: `count(*)`, `arg_max(t, *)`, `* has "x"`.
    Star,
    /// `typeof(long)`, `typeof((a:string, b:long))`
    Typeof(Vec<ColumnDecl>),
    TypeofScalar(Type),
    /// `T1*` in union, find, search.
    Wildcard(Name),
    /// `source | operator | …`
    Pipe {
        source: Box<Expr>,
        operators: Vec<Operator>,
    },
    /// An operator that needs no input: `print`, `range`, `union` at the head, `search`, `find`, `evaluate`.
    Source(Box<Operator>),
    Datatable {
        columns: Vec<ColumnDecl>,
        values: Vec<Expr>,
    },
    Externaldata {
        columns: Vec<ColumnDecl>,
        urls: Vec<Expr>,
        properties: Vec<(Name, Expr)>,
    },
    /// `(a, b)` on the left of an assignment is [`Named::names`]; elsewhere a bracketed list, `[a, b]`, of literals.
    List(Vec<Expr>),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Arg {
    pub name: Option<Name>,
    pub value: Expr,
}

/// `name = expr`, `(a, b) = expr` or a bare expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Named {
    /// Empty: no name given. More than one: the parts of a dynamic array or the columns of a multi-valued aggregate.
    pub names: Vec<Name>,
    pub expr: Expr,
}

/// `kind=inner`, `hint.strategy=broadcast`, `isfuzzy=true`, `with_source=name`
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    pub name: Name,
    pub value: Expr,
}

/// A column or a pattern with `*`: what project-away and its like take.
#[derive(Clone, Debug, PartialEq)]
pub struct Pattern {
    pub name: Name,
    pub wildcard: bool,
    /// project-reorder only.
    pub order: Option<ReorderBy>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReorderBy {
    Asc,
    Desc,
    GrannyAsc,
    GrannyDesc,
}

#[derive(Clone, Debug, PartialEq)]
pub struct SortKey {
    /// A name given to it (`sort by x = a`) has no meaning and is dropped.
    pub expr: Expr,
    pub descending: Option<bool>,
    pub nulls_first: Option<bool>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Operator {
    pub kind: OperatorKind,
    /// From the operator's first word to its end, without the pipe.
    pub span: Span,
    /// The operator's own words (`project-away`).
    pub word: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub enum OperatorKind {
    As {
        name: Name,
        options: Vec<Setting>,
    },
    AssertSchema {
        columns: Vec<ColumnDecl>,
    },
    Consume {
        options: Vec<Setting>,
    },
    Count {
        name: Option<Name>,
    },
    /// `distinct *` or `distinct a, b, c = f(d)`
    Distinct {
        options: Vec<Setting>,
        columns: Vec<Named>,
    },
    /// `evaluate f(args) [: schema]`
    Evaluate {
        options: Vec<Setting>,
        name: Name,
        args: Vec<Arg>,
        schema: Option<Vec<ColumnDecl>>,
        rest: bool,
    },
    Extend {
        columns: Vec<Named>,
    },
    Facet {
        columns: Vec<Name>,
        with: Option<Vec<Operator>>,
    },
    /// `where`, `filter`
    Where {
        predicate: Expr,
    },
    Find {
        options: Vec<Setting>,
        tables: Vec<Expr>,
        predicate: Expr,
        project: Vec<FindColumn>,
        project_smart: bool,
    },
    Fork {
        branches: Vec<(Option<Name>, Vec<Operator>)>,
    },
    Getschema,
    GraphMark {
        options: Vec<Setting>,
    },
    /// `graph-match`, `graph-shortest-paths` (`shortest`).
    GraphMatch {
        shortest: bool,
        options: Vec<Setting>,
        patterns: Vec<GraphPattern>,
        predicate: Option<Box<Expr>>,
        project: Vec<Named>,
    },
    GraphToTable {
        outputs: Vec<GraphOutput>,
    },
    /// `graph-where-edges` (`edges`), `graph-where-nodes`.
    GraphWhere {
        edges: bool,
        predicate: Box<Expr>,
    },
    Invoke {
        name: Name,
        args: Vec<Arg>,
    },
    Join {
        options: Vec<Setting>,
        right: Box<Expr>,
        on: Vec<Expr>,
    },
    Lookup {
        options: Vec<Setting>,
        right: Box<Expr>,
        on: Vec<Expr>,
    },
    MakeGraph {
        options: Vec<Setting>,
        source: Name,
        target: Name,
        /// Tables of nodes, each with the column that names the node.
        nodes: Vec<GraphNodes>,
        node_id: Option<Name>,
    },
    MakeSeries {
        options: Vec<Setting>,
        aggregates: Vec<SeriesAggregate>,
        on: Box<Named>,
        from: Option<Box<Expr>>,
        to: Option<Box<Expr>>,
        step: Option<Box<Expr>>,
        /// Written as `in range(from, to, step)`: then `to` belongs to the axis.
        in_range: bool,
        by: Vec<Named>,
    },
    MvApply {
        options: Vec<Setting>,
        columns: Vec<MvColumn>,
        limit: Option<Box<Expr>>,
        /// `id column` / `with_itemindex=` come as options.
        body: Vec<Operator>,
    },
    MvExpand {
        options: Vec<Setting>,
        columns: Vec<MvColumn>,
        limit: Option<Box<Expr>>,
    },
    Parse {
        filter: bool,
        options: Vec<Setting>,
        expr: Box<Expr>,
        pattern: Vec<ParsePart>,
    },
    ParseKv {
        expr: Box<Expr>,
        columns: Vec<ColumnDecl>,
        options: Vec<Setting>,
    },
    Partition {
        options: Vec<Setting>,
        by: Name,
        body: PartitionBody,
    },
    Print {
        columns: Vec<Named>,
    },
    Project {
        columns: Vec<Named>,
    },
    ProjectAway {
        columns: Vec<Pattern>,
    },
    ProjectByNames {
        names: Vec<Expr>,
    },
    ProjectKeep {
        columns: Vec<Pattern>,
    },
    ProjectRename {
        columns: Vec<Named>,
    },
    ProjectReorder {
        columns: Vec<Pattern>,
    },
    Range {
        name: Name,
        from: Box<Expr>,
        to: Box<Expr>,
        step: Box<Expr>,
    },
    Reduce {
        options: Vec<Setting>,
        by: Box<Expr>,
        with: Vec<Setting>,
    },
    Render {
        chart: Name,
        options: Vec<Setting>,
    },
    Sample {
        count: Box<Expr>,
    },
    SampleDistinct {
        count: Box<Expr>,
        of: Box<Expr>,
    },
    Scan {
        options: Vec<Setting>,
        order: Vec<SortKey>,
        partition: Vec<Expr>,
        declare: Vec<(ColumnDecl, Option<Expr>)>,
        steps: Vec<ScanStep>,
    },
    /// As an operator over its input, or at the head: `search [kind=…] [in (T1, T2)] predicate`
    Search {
        options: Vec<Setting>,
        tables: Vec<Expr>,
        predicate: Expr,
    },
    Serialize {
        columns: Vec<Named>,
    },
    /// `sort by`, `order by`
    Sort {
        options: Vec<Setting>,
        keys: Vec<SortKey>,
    },
    Summarize {
        options: Vec<Setting>,
        aggregates: Vec<Named>,
        by: Vec<Named>,
    },
    /// `take`, `limit`
    Take {
        count: Box<Expr>,
    },
    Top {
        count: Box<Expr>,
        keys: Vec<SortKey>,
        options: Vec<Setting>,
    },
    TopHitters {
        count: Box<Expr>,
        of: Box<Expr>,
        by: Option<Box<Expr>>,
    },
    TopNested {
        levels: Vec<TopNestedLevel>,
    },
    Union {
        options: Vec<Setting>,
        tables: Vec<Expr>,
    },
    /// Known to the grammar, not to us: `assert-schema`, `macro-expand`, … The text up to the next
    /// top-level pipe is passed over.
    Other {
        what: &'static str,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub enum FindColumn {
    Column(Name, Option<Type>),
    /// `pack(*)`
    PackAll,
    /// `*`
    Star,
}

/// `T on key`
#[derive(Clone, Debug, PartialEq)]
pub struct GraphNodes {
    pub table: Expr,
    pub key: Name,
}

/// `(a)-[e]->(b)<--(c)`
#[derive(Clone, Debug, PartialEq)]
pub struct GraphPattern {
    pub start: GraphNode,
    pub hops: Vec<(GraphEdge, GraphNode)>,
}

/// `(a)`, `()`
#[derive(Clone, Debug, PartialEq)]
pub struct GraphNode {
    pub name: Option<Name>,
}

/// `-[e]->`, `<--`, `-[e*1..3]-`
#[derive(Clone, Debug, PartialEq)]
pub struct GraphEdge {
    pub name: Option<Name>,
    pub direction: GraphDirection,
    pub range: Option<(Expr, Expr)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GraphDirection {
    Forth,
    Back,
    Any,
}

/// `nodes as N with_node_id=id`
#[derive(Clone, Debug, PartialEq)]
pub struct GraphOutput {
    pub edges: bool,
    pub name: Option<Name>,
    pub options: Vec<Setting>,
    pub span: Span,
}

/// `x = avg(v) default = 0`
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesAggregate {
    pub aggregate: Named,
    pub default: Option<Expr>,
}

/// `name = expr to typeof(long)` of mv-expand and mv-apply.
#[derive(Clone, Debug, PartialEq)]
pub struct MvColumn {
    pub column: Named,
    pub to: Option<Type>,
}

/// One part of a parse pattern: `"text"`, `*`, `name:type`.
#[derive(Clone, Debug, PartialEq)]
pub enum ParsePart {
    Text(String, Span),
    Star(Span),
    Column(Name, Option<Type>),
}

#[derive(Clone, Debug, PartialEq)]
pub enum PartitionBody {
    /// `( operators )`
    Operators(Vec<Operator>),
    /// `{ query }`
    Query(Box<Expr>),
}

/// `step name [optional] [output = all|last|none]: condition => a = x, b = y;`
#[derive(Clone, Debug, PartialEq)]
pub struct ScanStep {
    pub name: Name,
    pub optional: bool,
    pub output: Option<Name>,
    pub condition: Expr,
    pub assign: Vec<(Name, Expr)>,
}

/// `top-nested [n] of name = expr [with others = …] by name = agg [asc|desc]`
#[derive(Clone, Debug, PartialEq)]
pub struct TopNestedLevel {
    pub count: Option<Expr>,
    pub of: Named,
    pub others: Option<Expr>,
    pub by: Named,
    pub descending: Option<bool>,
    pub span: Span,
}
