//! A token that a command prints.

mod failure;
mod output;
mod run;
mod tree;

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::time::Duration;

use tokio::runtime::Handle;

use self::output::Format;
use self::run::{Ended, Printed, run};
use crate::credentials::Credentials;
use crate::error::Error;
use crate::source::CredentialSource;
use crate::token_endpoint::clean;

/// A token that a command prints, such as `gcloud auth print-access-token`, `az account get-access-token` or a credential plugin
/// of Kubernetes (`ExecCredential`). Feature `command`.
///
/// The output is one of these:
///
/// | output | expires |
/// | --- | --- |
/// | a token and nothing else | when the `exp` of a JWT says so |
/// | JSON of the kind `ExecCredential` (`client.authentication.k8s.io/v1` or `v1beta1`) with a `status.token` | at its `expirationTimestamp`, or else the same |
/// | JSON with an `accessToken`, as `az` prints it | at its `expires_on`, or else the same |
///
/// The command runs before the token expires, and after a server has rejected the token. If nothing says when it expires, the
/// token is used until it is rejected, or for [`renew_after`](Self::renew_after).
///
/// No shell is involved. The command gets no input. On Unix it runs in a process group of its own, which is ended as a whole when
/// the command has ended, when it takes longer than [`timeout`](Self::timeout), and when nobody waits for it any more. On Windows
/// its own process is ended alone.
///
/// It needs a Tokio runtime with I/O: `#[tokio::main]` has it, and one that you build needs `enable_io` beside `enable_time`. On Unix it
/// also needs the exit code of the command, so the process must neither ignore SIGCHLD nor wait for all its children.
/// [`Misconfigured`](crate::ErrorKind::Misconfigured) says so if one of these is missing.
///
/// A command that fails is [`InvalidResponse`](crate::ErrorKind::InvalidResponse): most exit with 1, whether the network is down or the
/// user has to log in. It is not repeated at once, but after a back-off of a minute at most, and a valid token stays in use. A program
/// that asks its user to log in sets [`login_required_if`](Self::login_required_if). The error has the beginning of what the command
/// wrote to its standard error, without the arguments and the variables that were set here, and without anything that looks like a
/// token.
///
/// ```
/// use reauth::{Authenticator, external::TokenCommand};
///
/// let gcloud = TokenCommand::new("gcloud").args(["auth", "print-access-token"]);
/// let azure = TokenCommand::new("az").args(["account", "get-access-token", "--resource", "https://api.example.com"]);
/// let plugin = TokenCommand::new("gke-gcloud-auth-plugin").exec_credential();
/// let auth = Authenticator::new(plugin);
/// ```
#[derive(Clone)]
pub struct TokenCommand {
    program: OsString,
    args: Vec<OsString>,
    envs: Vec<(OsString, OsString)>,
    format: Format,
    timeout: Duration,
    renew_after: Option<Duration>,
    login_texts: Vec<String>,
}

impl TokenCommand {
    /// The time that a command may take by default: 20 s.
    pub const TIMEOUT: Duration = Duration::from_secs(20);
    /// The longest output that is read, in bytes: 64 KiB.
    pub const MAX_OUTPUT: usize = 64 << 10;

    /// Creates the source for a program, which is found as [`std::process::Command::new`] finds it.
    pub fn new(program: impl Into<OsString>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            envs: Vec::new(),
            format: Format::Any,
            timeout: Self::TIMEOUT,
            renew_after: None,
            login_texts: Vec::new(),
        }
    }

    /// Adds arguments.
    #[must_use]
    pub fn args(mut self, args: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets a variable of its environment, beside those of this program.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.envs.push((name.into(), value.into()));
        self
    }

    /// Runs a credential plugin of Kubernetes: sets the variable `KUBERNETES_EXEC_INFO`, which such a plugin expects, and accepts
    /// nothing but an `ExecCredential`.
    #[must_use]
    pub fn exec_credential(mut self) -> Self {
        self.format = Format::ExecCredential;
        self.env("KUBERNETES_EXEC_INFO", output::EXEC_INFO)
    }

    /// Sets the time that the command may take. Default: [`TIMEOUT`](Self::TIMEOUT).
    /// [`Timing::flight_deadline`](crate::Timing::flight_deadline) is another limit.
    #[must_use]
    pub fn timeout(mut self, time: Duration) -> Self {
        self.timeout = time;
        self
    }

    /// Sets how long a token is used before the command runs again. Default: until the token expires or is rejected, which
    /// [`Duration::ZERO`] means, too.
    #[must_use]
    pub fn renew_after(mut self, time: Duration) -> Self {
        self.renew_after = Some(time);
        self
    }

    /// Says how the command tells that the user has to log in: it fails, and has this text in the first 4 KiB of its standard error. The
    /// error is [`LoginRequired`](crate::ErrorKind::LoginRequired) then. The first call after 5 s runs the command again. Each further
    /// failure doubles this time, up to 5 min. Upper and lower case differ. This may be called more than once. Default: no failure is a
    /// needed log-in.
    ///
    /// ```
    /// use reauth::external::TokenCommand;
    ///
    /// let azure = TokenCommand::new("az").args(["account", "get-access-token"]).login_required_if("az login");
    /// let aws = TokenCommand::new("aws").args(["eks", "get-token", "--cluster-name", "orders"]).login_required_if("aws sso login");
    /// ```
    ///
    /// Choose a text that the command does not write while the network is down: `gcloud` proposes `gcloud auth login` then as well.
    #[must_use]
    pub fn login_required_if(mut self, text: impl Into<String>) -> Self {
        self.login_texts.push(text.into());
        self
    }

    fn program(&self) -> String {
        self.program.to_string_lossy().into_owned()
    }

    fn failed(&self, how: &str, printed: &Printed) -> Error {
        let set_here = self.args.iter().chain(self.envs.iter().map(|(_, value)| value));
        let set_here: Vec<_> = set_here.map(|text| text.to_string_lossy()).collect();
        let output = String::from_utf8_lossy(printed.output.trim_ascii());
        let secrets = set_here.iter().map(AsRef::as_ref).chain([&*output]).collect::<Vec<&str>>();
        let errors = String::from_utf8_lossy(printed.errors.trim_ascii());
        let said = clean(errors.trim(), &secrets);
        let said = if said.is_empty() { said } else { format!(" ({said})") };
        let program = self.program();
        match self.login_texts.iter().any(|text| !text.is_empty() && errors.contains(text)) {
            true => Error::login_required(format!("the command {program} {how}{said}; log in with its tool")),
            false => Error::invalid_response(format!(
                "the command {program} {how}{said}; run it by hand to see why"
            )),
        }
    }
}

impl CredentialSource for TokenCommand {
    async fn login(&self) -> Result<Credentials, Error> {
        if Handle::try_current().is_err() || !run::has_io() {
            return Err(Error::misconfigured(
                "a command can't be run without a Tokio runtime with I/O; make the call within one, and build it with \
                 `enable_io` or `enable_all`",
            ));
        }
        let program = self.program();
        let printed = match run(self).await {
            Ended::Well(printed) => printed,
            Ended::Badly(how, printed) => return Err(self.failed(&how, &printed)),
            Ended::TooLate => {
                return Err(Error::transient(format!(
                    "the command {program} took too long and was ended; run it by hand to see why, or set a longer \
                     `TokenCommand::timeout`"
                )));
            }
            Ended::TooLong => {
                return Err(Error::misconfigured(format!(
                    "the command {program} printed more than {} KiB and was ended; have it print a token alone",
                    Self::MAX_OUTPUT >> 10
                )));
            }
            Ended::NotStarted(error) => return Err(failure::not_started(&program, error)),
            Ended::Unknown(error) => return Err(failure::unknown_end(&program, error)),
        };
        output::read(&printed.output, self.format, self.renew_after).map_err(|what| {
            Error::invalid_response(format!("the command {program} printed {what}; check its arguments"))
        })
    }
}

impl fmt::Debug for TokenCommand {
    /// Arguments and variables may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenCommand")
            .field("program", &OsStr::new(&self.program))
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
