//! The marks of a request whose type has no extensions, or of all requests of one program.

use std::time::Duration;

use http::Extensions;

use crate::authenticator::Authenticator;
use crate::per_request::{NoReplay, ValidFor, WithAuthenticator, WithoutCredentials};

/// What was said about requests beside their extensions.
#[derive(Clone, Default)]
pub struct Marks {
    pub(super) without_credentials: bool,
    pub(super) no_replay: bool,
    pub(super) valid_for: Option<Duration>,
    pub(super) authenticator: Option<Authenticator>,
}

impl Marks {
    /// These, and those in the extensions of a request, which come first.
    pub(super) fn with(&self, extensions: Option<&Extensions>) -> Self {
        let mut marks = self.clone();
        let Some(extensions) = extensions else { return marks };
        marks.without_credentials |= extensions.get::<WithoutCredentials>().is_some();
        marks.no_replay |= extensions.get::<NoReplay>().is_some();
        if let Some(least) = extensions.get::<ValidFor>() {
            marks.valid_for = Some(least.0);
        }
        if let Some(with) = extensions.get::<WithAuthenticator>() {
            marks.authenticator = Some(with.0.clone());
        }
        marks
    }
}

/// A mark of [`per_request`](crate::per_request). This trait is sealed.
pub trait Mark: sealed::Mark {}

impl<M: sealed::Mark> Mark for M {}

pub(super) mod sealed {
    pub trait Mark {
        fn add_to(self, marks: &mut super::Marks);
    }
}

impl sealed::Mark for WithoutCredentials {
    fn add_to(self, marks: &mut Marks) {
        marks.without_credentials = true;
    }
}

impl sealed::Mark for NoReplay {
    fn add_to(self, marks: &mut Marks) {
        marks.no_replay = true;
    }
}

impl sealed::Mark for ValidFor {
    fn add_to(self, marks: &mut Marks) {
        marks.valid_for = Some(self.0);
    }
}

impl sealed::Mark for WithAuthenticator {
    fn add_to(self, marks: &mut Marks) {
        marks.authenticator = Some(self.0);
    }
}
