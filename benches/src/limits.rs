//! The table of limits, `limits.txt`.

/// What a contender may cost over another one.
#[derive(Clone, Debug, PartialEq)]
pub struct Limit {
    /// Who.
    pub contender: String,
    /// Over whom; `-` for nobody: the cost as it is.
    pub over: String,
    /// `allocations`, `instructions` or `bytes`.
    pub what: String,
    /// The most that holds.
    pub most: f64,
    /// What is aimed at, where that is less.
    pub goal: Option<f64>,
}

impl Limit {
    /// Whether a contender is needed to tell whether this holds.
    pub fn names(&self, contender: &str) -> bool {
        self.contender == contender || self.over == contender
    }
}

/// The table, as it was when this was built.
///
/// # Errors
///
/// A line that is none of its.
pub fn limits() -> Result<Vec<Limit>, String> {
    let lines = include_str!("../limits.txt").lines().enumerate();
    let lines = lines.filter(|(_, line)| !line.trim_start().starts_with('#') && !line.trim().is_empty());
    lines
        .map(|(number, line)| limit(line).ok_or_else(|| format!("limits.txt:{}: {line}", number + 1)))
        .collect()
}

fn limit(line: &str) -> Option<Limit> {
    let (fields, goal) = line.split_once("# goal").unwrap_or((line, ""));
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let [contender, over, what, most] = *fields.as_slice() else { return None };
    Some(Limit {
        contender: contender.into(),
        over: over.into(),
        what: what.into(),
        most: most.parse().ok()?,
        goal: if goal.is_empty() { None } else { Some(goal.trim().parse().ok()?) },
    })
}
