//! A table for people: aligned columns, numbers to the right. Text is cut only where the reader is a terminal.
use super::csv::text;
use crate::columns::Cells;
use crate::types::Schema;
use arrow::record_batch::RecordBatch;

/// Rows that are looked at before the widths are settled.
const ROWS_FOR_WIDTH: usize = 10_000;
/// The widest cell on a terminal.
const TERMINAL_CELL: usize = 60;

#[derive(Debug, Default)]
pub struct Table {
    schema: Schema,
    cut: Option<usize>,
    waiting: Vec<Vec<String>>,
    widths: Option<Vec<usize>>,
    rows: usize,
}

impl Table {
    pub fn new(terminal: bool) -> Table {
        Table { cut: terminal.then_some(TERMINAL_CELL), ..Table::default() }
    }

    fn settle(&mut self, out: &mut Vec<u8>) {
        if self.widths.is_some() {
            return;
        }
        let header: Vec<String> = self.schema.names().map(|name| self.shown(name)).collect();
        let mut widths: Vec<usize> = header.iter().map(|cell| cell.chars().count()).collect();
        for row in &self.waiting {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let rule: Vec<String> = widths.iter().map(|width| "─".repeat(*width)).collect();
        self.line(&header, &widths, out);
        self.line(&rule, &widths, out);
        for row in std::mem::take(&mut self.waiting) {
            self.line(&row, &widths, out);
        }
        self.widths = Some(widths);
    }

    fn line(&self, cells: &[String], widths: &[usize], out: &mut Vec<u8>) {
        let mut line = String::new();
        for ((cell, width), column) in cells.iter().zip(widths).zip(&self.schema.columns) {
            if !line.is_empty() {
                line.push_str("  ");
            }
            let blanks = " ".repeat(width.saturating_sub(cell.chars().count()));
            let (left, right) = if column.ty.is_number() { (blanks.as_str(), "") } else { ("", blanks.as_str()) };
            line.extend([left, cell, right]);
        }
        out.extend_from_slice(line.trim_end().as_bytes());
        out.push(b'\n');
    }

    /// On one line, and without the control characters by which stored text could command a terminal.
    fn shown(&self, cell: &str) -> String {
        let mut shown = String::with_capacity(cell.len());
        for c in cell.chars() {
            if c.is_control() { shown.extend(c.escape_default()) } else { shown.push(c) }
        }
        match self.cut {
            Some(most) if shown.chars().count() > most => shown.chars().take(most - 1).chain(['…']).collect(),
            _ => shown,
        }
    }
}

impl super::Rows for Table {
    fn start(&mut self, schema: &Schema, _: &mut Vec<u8>) {
        *self = Table { schema: schema.clone(), cut: self.cut, ..Table::default() };
    }

    fn batch(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) {
        let columns: Vec<Cells<'_>> =
            batch.columns().iter().zip(&self.schema.columns).map(|(array, c)| Cells::new(array, c.ty)).collect();
        for row in 0..batch.num_rows() {
            let cells: Vec<String> = columns.iter().map(|column| self.shown(&text(column.get(row)))).collect();
            self.rows += 1;
            match &self.widths {
                Some(widths) => self.line(&cells, widths, out),
                None => self.waiting.push(cells),
            }
            if self.waiting.len() >= ROWS_FOR_WIDTH {
                self.settle(out);
            }
        }
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        self.settle(out);
        out.extend_from_slice(format!("({} {})\n", self.rows, if self.rows == 1 { "row" } else { "rows" }).as_bytes());
    }
}
