//! The rows of every table: a contender and the requests it is given, by one name everywhere.

use std::fmt;

use crate::call::Measure;
use crate::contenders::{CachedToken, Layer, Middleware, Sender, cached, reqwest, send, tower};
use crate::request::{Replay, Shape};

/// One contender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contender {
    /// A layer on the tower path.
    Tower(Layer, Replay),
    /// A middleware on the reqwest path.
    Reqwest(Middleware, Replay),
    /// A call by hand.
    Send(Sender),
    /// The cached token alone.
    Cached(CachedToken),
}

/// A contender and the shape of its requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Who.
    pub contender: Contender,
    /// With what.
    pub shape: Shape,
}

const NAMES: &[(Contender, &str)] = {
    use Contender::{Cached, Reqwest, Send, Tower};
    use Replay::{Marked, OneShot, Yes};
    &[
        (Tower(Layer::None, Yes), "tower/none"),
        (Tower(Layer::Floor, Yes), "tower/floor"),
        (Tower(Layer::SetHeader, Yes), "tower/tower-http-set-header"),
        (Tower(Layer::AddAuthorization, Yes), "tower/tower-http-add-authorization"),
        (Tower(Layer::ArcSwap, Yes), "tower/arc-swap"),
        (Tower(Layer::Reauth, Yes), "tower/reauth-replay"),
        (Tower(Layer::NeverReplay, Yes), "tower/reauth-never-replay"),
        (Tower(Layer::Retry, Yes), "tower/retry"),
        (Tower(Layer::Naive, Yes), "tower/naive"),
        (Tower(Layer::None, OneShot), "tower/none-one-shot"),
        (Tower(Layer::Floor, OneShot), "tower/floor-one-shot"),
        (Tower(Layer::Reauth, OneShot), "tower/reauth-one-shot"),
        (Tower(Layer::None, Marked), "tower/none-marked"),
        (Tower(Layer::Floor, Marked), "tower/floor-marked"),
        (Tower(Layer::Reauth, Marked), "tower/reauth-marked"),
        (Reqwest(Middleware::Noop, Yes), "reqwest/noop"),
        (Reqwest(Middleware::Floor, Yes), "reqwest/floor"),
        (Reqwest(Middleware::ByHand, Yes), "reqwest/by-hand"),
        (Reqwest(Middleware::Reauth, Yes), "reqwest/reauth-replay"),
        (Reqwest(Middleware::NeverReplay, Yes), "reqwest/reauth-never-replay"),
        (Reqwest(Middleware::Retry, Yes), "reqwest/retry"),
        (Reqwest(Middleware::RetryFloor, Yes), "reqwest/retry-over-floor"),
        (Reqwest(Middleware::Noop, Marked), "reqwest/noop-marked"),
        (Reqwest(Middleware::Floor, Marked), "reqwest/floor-marked"),
        (Reqwest(Middleware::Reauth, Marked), "reqwest/reauth-marked"),
        (Send(Sender::None), "send/none"),
        (Send(Sender::Floor), "send/floor"),
        (Send(Sender::ByHand), "send/by-hand"),
        (Send(Sender::Reauth), "send/reauth"),
        (Send(Sender::NeverReplay), "send/reauth-never-replay"),
        (Cached(CachedToken::Floor), "cached/floor"),
        (Cached(CachedToken::Reauth), "cached/reauth"),
    ]
};

impl Row {
    /// All of them, a contender's shapes side by side.
    pub fn all() -> impl Iterator<Item = Self> {
        NAMES
            .iter()
            .flat_map(|&(contender, _)| Self::shapes(contender).map(move |shape| Self { contender, shape }))
    }

    fn shapes(contender: Contender) -> impl Iterator<Item = Shape> {
        let shapes: &[Shape] = match contender {
            Contender::Cached(_) => &[Shape::Bare],
            _ => &[Shape::Bare, Shape::Typical],
        };
        shapes.iter().copied()
    }

    /// The row of this name.
    ///
    /// # Errors
    ///
    /// There is none.
    pub fn named(name: &str) -> Result<Self, String> {
        Self::all()
            .find(|row| row.to_string() == name)
            .ok_or_else(|| format!("no contender is called `{name}`"))
    }

    /// The row of another contender with the same shape of request.
    #[must_use]
    pub fn with(self, contender: Contender) -> Self {
        Self { contender, ..self }
    }

    /// The same requests with nothing done to them.
    #[must_use]
    pub fn nothing(self) -> Self {
        self.with(match self.contender {
            Contender::Tower(_, replay) => Contender::Tower(Layer::None, replay),
            Contender::Reqwest(_, replay) => Contender::Reqwest(Middleware::Noop, replay),
            Contender::Send(_) => Contender::Send(Sender::None),
            Contender::Cached(_) => Contender::Cached(CachedToken::Floor),
        })
    }

    /// The same requests with a constant header.
    #[must_use]
    pub fn floor(self) -> Self {
        self.with(match self.contender {
            Contender::Tower(_, replay) => Contender::Tower(Layer::Floor, replay),
            Contender::Reqwest(_, replay) => Contender::Reqwest(Middleware::Floor, replay),
            Contender::Send(_) => Contender::Send(Sender::Floor),
            Contender::Cached(_) => Contender::Cached(CachedToken::Floor),
        })
    }

    /// What a ratio is taken to: the constant header, and with reqwest the middleware that does nothing.
    #[must_use]
    pub fn base(self) -> Self {
        match self.contender {
            Contender::Reqwest(..) => self.nothing(),
            _ => self.floor(),
        }
    }

    /// Hands the contender's calls to `measure`.
    pub fn measure<M: Measure>(self, measure: M) -> M::Out {
        match self.contender {
            Contender::Tower(layer, replay) => tower(layer, self.shape, replay, measure),
            Contender::Reqwest(middleware, replay) => reqwest(middleware, self.shape, replay, measure),
            Contender::Send(sender) => send(sender, self.shape, measure),
            Contender::Cached(contender) => cached(contender, measure),
        }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name =
            NAMES.iter().find(|(contender, _)| *contender == self.contender).map_or("?", |(_, name)| name);
        match (self.contender, self.shape) {
            (Contender::Cached(_), _) => f.write_str(name),
            (_, Shape::Bare) => write!(f, "{name}/bare"),
            (_, Shape::Typical) => write!(f, "{name}/typical"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_found_by_its_name_and_so_are_the_rows_it_is_compared_to() {
        for row in Row::all() {
            for row in [row, row.nothing(), row.floor(), row.base()] {
                assert_eq!(Row::named(&row.to_string()), Ok(row));
            }
        }
    }
}
