//! Reads what happens in a step.

use std::time::Duration;

use serde_json::Value;

use super::fields::{Fields, Read, duration, moment, whole};
use super::scenario::{Action, Answer, Manner, Moment, Operation};
use super::tokens::{named, tokens};

pub(super) fn action(fields: &mut Fields) -> Read<Action> {
    let name = fields.text("do")?;
    Ok(match name.as_str() {
        "get" => Action::Get { caller: fields.text("caller")? },
        "refresh" => Action::Refresh { caller: fields.text("caller")? },
        "unauthorized" => Action::Unauthorized {
            caller: fields.text("caller")?,
            token: named(fields.text("token")?, "at-")?,
        },
        "cancel" => Action::Cancel { caller: fields.text("caller")? },
        "log_out" => Action::LogOut { caller: fields.text("caller")? },
        "set_credentials" => {
            Action::SetCredentials { caller: fields.text("caller")?, tokens: tokens(fields.need("tokens")?)? }
        }
        "loop" => Action::Loop {
            caller: fields.text("caller")?,
            times: whole(&fields.need("times")?)?,
            every: duration(&fields.need("every")?)?,
        },
        "respond" => Action::Respond(answer(fields)?),
        "respond_late" => Action::RespondLate(answer(fields)?),
        "respond_to_all" => match fields.peek("with") == Some("nothing") {
            true => fields.text("with").map(|_| Action::RespondToAll(None))?,
            false => Action::RespondToAll(Some(answer(fields)?)),
        },
        "advance" => Action::Advance(duration(&fields.need("seconds")?)?),
        "wall_clock_jump" => {
            let Moment(by) = moment(&fields.need("seconds")?)?;
            Action::WallClockJump { back: by < 0, by: Duration::from_millis(by.unsigned_abs()) }
        }
        "store_changed" => match fields.need("to")? {
            Value::Null => Action::StoreChanged(None),
            value => Action::StoreChanged(Some(tokens(value)?)),
        },
        "store_behaves" => Action::StoreBehaves {
            operation: operation(&fields.text("operation")?)?,
            manner: match fields.text("manner")?.as_str() {
                "works" => Manner::Works,
                "fails" => Manner::Fails,
                "hangs" => Manner::Hangs,
                "panics" => Manner::Panics,
                other => return Err(format!("`{other}` is no manner of a store")),
            },
        },
        "store_responds" => Action::StoreResponds,
        "interrupt" => Action::Interrupt,
        other => return Err(format!("`{other}` is no step")),
    })
}

fn operation(name: &str) -> Read<Operation> {
    match name {
        "load" => Ok(Operation::Load),
        "save" => Ok(Operation::Save),
        "clear" => Ok(Operation::Clear),
        other => Err(format!("`{other}` is no operation of a store")),
    }
}

fn answer(fields: &mut Fields) -> Read<Answer> {
    let with = fields.text("with")?;
    let mut wait = || fields.take("retry_after").as_ref().map(duration).transpose();
    Ok(match with.as_str() {
        "tokens" => Answer::Tokens(tokens(fields.need("tokens")?)?),
        "refused" => Answer::Refused,
        "misconfigured" => Answer::Misconfigured,
        "unavailable" => Answer::Unavailable { retry_after: wait()? },
        "lost" => Answer::Lost { retry_after: wait()? },
        "invalid" => Answer::Invalid,
        "unsupported" => Answer::Unsupported,
        "panic" => Answer::Panic,
        other => return Err(format!("`{other}` is no answer")),
    })
}
