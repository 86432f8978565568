//! Control commands of `/v1/rest/mgmt`: the `.show` commands by which clients find databases, tables and columns. What
//! stands behind a `|` is a query over the command's table.
use super::{Doors, databases, functions};
use crate::catalog::Tables;
use crate::columns;
use crate::engine::{Language, QueryError, Request, Response, TableAnswer};
use crate::text::{Source, Span, codes};
use crate::types::Schema;
use crate::value::{Value, json_text};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use futures::{StreamExt, stream};

/// A small table that a command gives.
pub struct Shown {
    pub schema: Schema,
    pub rows: Vec<Vec<Value<'static>>>,
}

pub async fn run(doors: &Doors, text: &str, database: &str, request: Request) -> Result<Response, QueryError> {
    if let Some(changed) = functions::change(doors, text).await {
        return answer(changed?);
    }
    let (command, query_at) = split(text);
    let words = words(command);
    let lower: Vec<String> = words.iter().map(|word| word.to_lowercase()).collect();
    let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
    let given = |at: usize| words.get(at).map_or("", |name| name.as_str());
    let tables = &doors.engine.store().view();
    let shown = match lower.as_slice() {
        [".show", "databases"] => databases::list(),
        [".show", "databases", "schema"] => databases::columns(tables, databases::NAME),
        [".show", "databases", "schema", "as", "json"] => databases::columns_as_json(tables, databases::NAME),
        [".show", "databases", _, "schema"] | [".show", "database", _, "schema"] => {
            databases::columns(tables, given(2))
        }
        [".show", "databases", _, "schema", "as", "json"] | [".show", "database", _, "schema", "as", "json"] => {
            databases::columns_as_json(tables, given(2))
        }
        [".show", "database" | "schema"] | [".show", "database", "schema"] => {
            databases::columns(tables, databases::named(database))
        }
        [".show", "database" | "schema", "schema" | "as", ..] if lower.ends_with(&["as", "json"]) => {
            databases::columns_as_json(tables, databases::named(database))
        }
        [".show", "database", _] => databases::list(),
        [".show", "tables"] => databases::tables(tables, databases::named(database)),
        [".show", "tables", "details"] => details(doors, tables.names(), database, &request).await?,
        [".show", "table", _, "details"] if tables.schema(given(2)).is_some() => {
            details(doors, vec![given(2).to_owned()], database, &request).await?
        }
        [".show", "table", _] | [".show", "table", _, "cslschema" | "schema"] if tables.schema(given(2)).is_some() => {
            databases::table_schema(tables, given(2), databases::named(database))
        }
        [".show", "table", _, "schema", "as", "json"] if tables.schema(given(2)).is_some() => {
            databases::table_as_json(tables, given(2), databases::named(database))
        }
        [".show", "functions"] => functions::list(doors, None).await?,
        [".show", "function", _] => functions::list(doors, Some(given(2))).await?,
        [".show", "version"] => databases::version(),
        [".show", "table", _, ..] => {
            let name = given(2);
            let at = command.find(name).unwrap_or(0);
            let names = tables.names();
            let fault = codes::UNKNOWN_TABLE
                .at(Span::new(at, at + name.len()), format!("no table is named `{name}`"))
                .nearest(name, names.iter().map(String::as_str));
            return Err(QueryError::Wrong(Source::new(text), vec![fault]));
        }
        _ => {
            let fault = codes::OUT_OF_SCOPE
                .at(Span::new(0, command.trim_end().len()), "this control command is not known here")
                .help("use `.show databases`, `.show tables`, `.show table T details`, `.show database schema` or `.create-or-alter function`");
            return Err(QueryError::Wrong(Source::new(text), vec![fault]));
        }
    };
    match query_at {
        Some(at) => query_over(doors, &shown, text, at, request).await,
        None => answer(shown),
    }
}

/// The command, and where the query behind its first `|` begins.
fn split(text: &str) -> (&str, Option<usize>) {
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(c),
            (None, '|') => return (&text[..at], Some(at)),
            (None, _) => {}
        }
    }
    (text, None)
}

/// The words of a command; names in brackets, quotes or parentheses stand for themselves.
fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    for c in command.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => {
                quote = None;
                words.push(std::mem::take(&mut word));
            }
            (None, '\'' | '"') => quote = Some(c),
            (None, c) if c.is_whitespace() || matches!(c, '[' | ']' | '(' | ')' | ',' | ';') => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            (_, c) => word.push(c),
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// Row counts are the engine's own answers.
async fn details(doors: &Doors, names: Vec<String>, database: &str, request: &Request) -> Result<Shown, QueryError> {
    let mut counted = Vec::with_capacity(names.len());
    for name in names {
        let text = format!("['{}'] | count", name.replace('\\', "\\\\").replace('\'', "\\'"));
        let mut answer = match doors.ask(Language::Kql, &text, request.clone()).await {
            // What its caller may not see is not listed.
            Err(QueryError::Wrong(_, faults)) if faults.iter().any(|fault| fault.code == codes::NOT_GRANTED) => {
                continue;
            }
            answer => answer?,
        };
        let mut rows = 0;
        for table in &mut answer.tables {
            while let Some(batch) = super::contained(table.batches.next()).await? {
                let batch = batch?;
                if let (Some(array), Some(column)) = (batch.columns().first(), table.schema.columns.first())
                    && batch.num_rows() > 0
                {
                    rows = columns::Cells::new(array, column.ty).get(0).as_long().unwrap_or(0);
                }
            }
        }
        counted.push((name, rows));
    }
    Ok(databases::details(&counted, databases::named(database)))
}

/// Runs the query behind the `|` over the command's table; positions of faults are those in the whole text.
async fn query_over(
    doors: &Doors,
    shown: &Shown,
    text: &str,
    at: usize,
    request: Request,
) -> Result<Response, QueryError> {
    let columns: Vec<String> =
        shown.schema.columns.iter().map(|column| format!("['{}']:{}", column.name, column.ty)).collect();
    let cells: Vec<String> = shown
        .rows
        .iter()
        .flatten()
        .zip(shown.schema.columns.iter().cycle())
        .map(|(value, column)| match value {
            // JSON's escapes are KQL's too.
            Value::String(_) => json_text(value),
            Value::Null => format!("{}(null)", column.ty),
            other => format!("{}({})", column.ty, other.text().to_lowercase()),
        })
        .collect();
    let table = format!("datatable({}) [{}] ", columns.join(", "), cells.join(", "));
    doors.ask(Language::Kql, &format!("{table}{}", &text[at..]), request).await.map_err(|error| match error {
        QueryError::Wrong(_, mut faults) => {
            let place = |offset: u32| (offset as usize).saturating_sub(table.len()) + at;
            for fault in &mut faults {
                fault.span = Span::new(place(fault.span.start), place(fault.span.end));
            }
            QueryError::Wrong(Source::new(text), faults)
        }
        other => other,
    })
}

fn answer(shown: Shown) -> Result<Response, QueryError> {
    let arrays: Vec<_> = shown
        .schema
        .columns
        .iter()
        .enumerate()
        .map(|(at, column)| columns::column(column.ty, shown.rows.iter().filter_map(|row| row.get(at))))
        .collect();
    let options = RecordBatchOptions::new().with_row_count(Some(shown.rows.len()));
    let batch =
        RecordBatch::try_new_with_options(columns::arrow_schema(&shown.schema), arrays, &options).map_err(|error| {
            QueryError::Fault(crate::engine::Fault { id: uuid::Uuid::new_v4().to_string(), detail: error.to_string() })
        })?;
    let table = TableAnswer {
        name: "Table_0".into(),
        schema: shown.schema,
        batches: stream::iter([Ok(batch)]).boxed(),
        visualization: None,
    };
    Ok(Response { tables: vec![table], notices: Vec::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_in_brackets_and_quotes() {
        assert_eq!(
            words(".show databases (['my db']) schema as json").join("/"),
            ".show/databases/my db/schema/as/json"
        );
        assert_eq!(split(".show table ['a|b'] details | count").1, Some(28));
    }
}
