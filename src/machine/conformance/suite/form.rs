//! The forms that values have in a file: names by their pattern, times in seconds.

use std::marker::PhantomData;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer};

use super::amount::Amount;

/// Reads a field in another form than its type: `#[serde(with = "As::<Form>")]`, which schemars follows too.
pub(super) struct As<Form>(PhantomData<Form>);

impl<Form> As<Form> {
    pub(super) fn deserialize<'de, D: Deserializer<'de>, T>(deserializer: D) -> Result<T, D::Error>
    where
        Form: Deserialize<'de> + Into<T>,
    {
        Form::deserialize(deserializer).map(Into::into)
    }
}

impl<Form: JsonSchema> JsonSchema for As<Form> {
    fn inline_schema() -> bool {
        Form::inline_schema()
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        Form::schema_name()
    }

    fn schema_id() -> std::borrow::Cow<'static, str> {
        Form::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Form::json_schema(generator)
    }
}

/// Texts that must follow a pattern: the schema states it, the function checks it.
macro_rules! texts {
    ($($(#[doc = $doc:literal])+ $name:ident, $pattern:literal, $follows:expr;)+) => {$(
        $(#[doc = $doc])+
        #[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
        #[serde(try_from = "String")]
        #[schemars(extend("pattern" = $pattern))]
        pub(crate) struct $name(pub(crate) String);

        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(text: String) -> Result<Self, String> {
                let follows: fn(&str) -> bool = $follows;
                if follows(&text) { Ok(Self(text)) } else { Err(format!("`{text}` is not {}", $pattern)) }
            }
        }

        impl From<$name> for String {
            fn from($name(text): $name) -> Self {
                text
            }
        }
    )+};
}

texts! {
    /// The name of a scenario, unique over all files.
    ScenarioName, "^[a-z0-9][a-z0-9-]*$", |text| is_name(text) && !text.starts_with('-');
    /// The number of a rule (R) or of a failure that others had (F).
    Rule, "^[RF][1-9][0-9]{0,2}$", is_rule;
    /// The name of an access token.
    AccessToken, "^at-[a-z0-9-]+$", |text| text.strip_prefix("at-").is_some_and(is_name);
    /// The name of a refresh token.
    RefreshToken, "^rt-[a-z0-9-]+$", |text| text.strip_prefix("rt-").is_some_and(is_name);
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// `R1` to `R97` and `F1` to `F170`: a number beyond is a mistake.
fn is_rule(text: &str) -> bool {
    let known = |letter, last| {
        let number = text.strip_prefix(letter).filter(|number| !number.starts_with(['0', '+']));
        number.and_then(|number| number.parse().ok()).is_some_and(|number: u8| number <= last)
    };
    known('R', 97) || known('F', 170)
}

/// The number of a process.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq, PartialOrd, Ord)]
#[serde(try_from = "u8")]
#[schemars(extend("minimum" = 1, "maximum" = 3))]
pub(crate) struct Process(pub(crate) u8);

impl Default for Process {
    fn default() -> Self {
        Self(1)
    }
}

impl TryFrom<u8> for Process {
    type Error = String;

    fn try_from(number: u8) -> Result<Self, String> {
        (1..=3).contains(&number).then_some(Self(number)).ok_or_else(|| format!("{number} is no process"))
    }
}

/// A duration in seconds, with at most three decimals. Or a sum of those that the client names in its driver's `hello`, such
/// as `advisory(3600) - 0.001`.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(try_from = "Amount")]
#[schemars(with = "Amount", extend("minimum" = 0))]
pub(crate) struct Seconds(pub(crate) Duration);

impl TryFrom<Amount> for Seconds {
    type Error = String;

    fn try_from(amount: Amount) -> Result<Self, String> {
        let Moment(millis) = Moment::try_from(amount)?;
        let millis = u64::try_from(millis).map_err(|_| "a duration is negative".to_owned())?;
        Ok(Self(Duration::from_millis(millis)))
    }
}

impl From<Seconds> for Duration {
    fn from(Seconds(duration): Seconds) -> Self {
        duration
    }
}

/// A time of the wall clock, in seconds since the scenario began. Negative before; at most three decimals.
// Here in milliseconds.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(try_from = "Amount")]
#[schemars(with = "Amount")]
pub(crate) struct Moment(pub(crate) i64);

impl TryFrom<Amount> for Moment {
    type Error = String;

    fn try_from(amount: Amount) -> Result<Self, String> {
        let seconds = amount.seconds()?;
        let millis = seconds * 1000.0;
        if (millis - millis.round()).abs() > 1e-4 {
            return Err(format!("{seconds} is finer than a millisecond"));
        }
        Ok(Self(millis.round() as i64))
    }
}
