//! The terminal: a table that is drawn again and again, or lines if standard output is no terminal.

use std::io::{IsTerminal as _, Write as _, stdout};

use crate::table::Table;

const HELP: &str = "k 2 Enter kills worker 2; s stops, c continues, b begins it again; q ends all";

pub(crate) enum Screen {
    Terminal,
    Lines,
}

impl Screen {
    pub(crate) fn open() -> Self {
        if !stdout().is_terminal() {
            return Self::Lines;
        }
        // The other screen of the terminal, empty.
        write("\x1b[?1049h\x1b[2J");
        Self::Terminal
    }

    pub(crate) fn say(&self, line: &str) {
        if let Self::Lines = self {
            write(&format!("{line}\n"));
        }
    }

    pub(crate) fn draw(&self, table: &Table) {
        let Self::Terminal = self else { return };
        // The cursor is put back to where the user types.
        let mut text = "\x1b7\x1b[H".to_owned();
        let lines = table.lines();
        for line in &lines {
            // A line that does not fit would move the others.
            text.push_str(&format!("\x1b[?7l{line}\x1b[K\x1b[?7h\r\n"));
        }
        text.push_str(&format!("{HELP}\x1b[K\r\n\x1b8"));
        write(&text);
    }

    /// After a line was typed, and at the beginning: the place to type is below the table.
    pub(crate) fn place_cursor(&self, table: &Table) {
        if let Self::Terminal = self {
            write(&format!("\x1b[{};1H\x1b[J> ", table.lines().len() + 3));
        }
    }

    pub(crate) fn close(self, table: &Table) {
        if let Self::Terminal = self {
            write("\x1b[?1049l");
        }
        for line in table.lines() {
            write(&format!("{line}\n"));
        }
        write(&format!("{}\n", table.summary()));
    }
}

/// Nothing is lost if nobody looks.
fn write(text: &str) {
    let mut out = stdout();
    let _ = out.write_all(text.as_bytes());
    let _ = out.flush();
}
