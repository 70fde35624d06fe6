//! A table: printed as Markdown, written as tab-separated values for the report, and read back by it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// The variable that names the directory where tables are written for the report.
pub const OUT: &str = "REAUTH_BENCH_OUT";

/// Rows of text under named columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// The file's stem.
    pub name: String,
    /// What stands over the rows.
    pub columns: Vec<String>,
    /// The rows.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    pub fn new<'a>(name: &str, columns: impl IntoIterator<Item = &'a str>) -> Self {
        Self { name: name.into(), columns: columns.into_iter().map(String::from).collect(), rows: Vec::new() }
    }

    /// Adds a row.
    pub fn row<T: Into<String>>(&mut self, cells: impl IntoIterator<Item = T>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }

    /// A cell by the name of its row, which is the first cell, and its column.
    pub fn cell(&self, row: &str, column: &str) -> Option<&str> {
        let column = self.columns.iter().position(|name| name == column)?;
        let row = self.rows.iter().find(|cells| cells.first().is_some_and(|name| name == row))?;
        row.get(column).map(String::as_str)
    }

    /// The same as a number.
    pub fn number(&self, row: &str, column: &str) -> Option<f64> {
        self.cell(row, column)?.parse().ok()
    }

    /// Adds another table's columns after the name, by the name of the row.
    pub fn join(&mut self, other: &Self) {
        for row in &mut self.rows {
            let found = other.rows.iter().find(|cells| cells.first() == row.first());
            let cells = (1..other.columns.len()).map(|column| found.and_then(|cells| cells.get(column)));
            let cells: Vec<String> = cells.map(|cell| cell.cloned().unwrap_or_default()).collect();
            row.splice(1..1, cells);
        }
        self.columns.splice(1..1, other.columns.iter().skip(1).cloned());
    }

    /// Prints the table and, where the report asked for it, writes it.
    ///
    /// # Errors
    ///
    /// It can't be written.
    pub fn emit(&self) -> io::Result<()> {
        println!("\n## {}\n\n{}", self.name, self.markdown());
        self.write()
    }

    /// Writes the table, where the report asked for it.
    ///
    /// # Errors
    ///
    /// It can't be written.
    pub fn write(&self) -> io::Result<()> {
        match env::var_os(OUT) {
            Some(out) => fs::write(Self::file(Path::new(&out), &self.name), self.tsv()),
            None => Ok(()),
        }
    }

    /// Reads what [`emit`](Self::emit) wrote; `None` if this measurement was not made.
    pub fn read(directory: &Path, name: &str) -> Option<Self> {
        let text = fs::read_to_string(Self::file(directory, name)).ok()?;
        let mut lines = text.lines().map(|line| line.split('\t').map(String::from).collect());
        Some(Self { name: name.into(), columns: lines.next()?, rows: lines.collect() })
    }

    fn file(directory: &Path, name: &str) -> PathBuf {
        directory.join(name).with_extension("tsv")
    }

    fn tsv(&self) -> String {
        let lines = std::iter::once(&self.columns).chain(&self.rows);
        lines.map(|cells| cells.join("\t") + "\n").collect()
    }

    /// As Markdown, the columns aligned.
    pub fn markdown(&self) -> String {
        let lines = || std::iter::once(&self.columns).chain(&self.rows);
        let width = |column: usize| {
            lines().filter_map(|cells| cells.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.columns.len()).map(width).collect();
        let mut text = String::new();
        for (number, cells) in lines().enumerate() {
            for (column, width) in widths.iter().enumerate() {
                let cell = cells.get(column).map_or("", String::as_str);
                // Names to the left, numbers to the right.
                let _ = match column {
                    0 => write!(text, "| {cell:<width$} "),
                    _ => write!(text, "| {cell:>width$} "),
                };
            }
            text.push_str("|\n");
            if number == 0 {
                for (column, width) in widths.iter().enumerate() {
                    let dashes = "-".repeat(width + 1);
                    let _ = write!(text, "|{dashes}{}", if column == 0 { "-" } else { ":" });
                }
                text.push_str("|\n");
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_joined_by_the_names_of_its_rows() {
        let (mut times, mut counts) = (Table::new("t", ["name", "ns"]), Table::new("c", ["name", "n"]));
        times.row(["a", "5"]);
        times.row(["b", "6"]);
        counts.row(["b", "2"]);
        times.join(&counts);
        assert_eq!(times.columns, ["name", "n", "ns"]);
        assert_eq!(times.rows, [["a", "", "5"], ["b", "2", "6"]]);
    }

    #[test]
    fn a_table_is_read_as_it_was_written() {
        let mut table = Table::new("t", ["name", "n"]);
        table.row(["a", "1"]);
        let directory = env::temp_dir();
        assert!(fs::write(Table::file(&directory, "reauth-table-test"), table.tsv()).is_ok());
        let read = Table::read(&directory, "reauth-table-test");
        assert_eq!(read.as_ref().and_then(|read| read.number("a", "n")), Some(1.0));
        assert_eq!(table.markdown(), "| name | n |\n|------|--:|\n| a    | 1 |\n");
    }
}
