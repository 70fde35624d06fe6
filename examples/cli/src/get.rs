//! `get`: fetches a URL with the access token. The body goes to standard output, a progress bar to standard error.

use std::io::{ErrorKind, IsTerminal as _, stdout};

use indicatif::{ProgressBar, ProgressStyle};
use reauth::{Origins, PassedReason, RenewalError};
use reqwest::{Response, StatusCode, Url};
use tokio::io::AsyncWriteExt as _;

use crate::failure::{Failure, chain};
use crate::session::{Profile, Session};

pub(crate) async fn run(profile: &Profile, url: Url) -> Result<(), Failure> {
    let session = profile.session().await?;
    session.run(get(profile, &session, url)).await
}

async fn get(profile: &Profile, session: &Session<'_>, url: Url) -> Result<(), Failure> {
    let origin = &session.settings.origin;
    // Without this the request would go out without a token.
    if Url::parse(origin).is_ok_and(|of_profile| of_profile.origin() != url.origin()) {
        return Err(Failure::settings(format!(
            "{url} is not at {origin}, where the token of the profile `{}` may go; nothing was sent",
            profile.name()
        )));
    }
    let client = session.client(Origins::new(origin)?);
    let response = client.get(url).send().await.map_err(|error| session.request_failed(&error))?;
    match response.status() {
        status if status.is_success() => write(response).await,
        StatusCode::UNAUTHORIZED => Err(explained(session, &response)),
        status => Err(Failure::refused(format!("{} responded with {status}", response.url()))),
    }
}

/// Why a response is a 401, although the request had a token or should have had one.
fn explained(session: &Session<'_>, response: &Response) -> Failure {
    let extensions = response.extensions();
    if let Some(renewal) = extensions.get::<RenewalError>() {
        return session.credentials_failed(renewal.error());
    }
    let reason = extensions.get::<PassedReason>().map(ToString::to_string);
    let reason = reason.unwrap_or_else(|| "it does not accept the token".into());
    Failure::refused(format!("{} responded with 401: {reason}", response.url()))
}

async fn write(mut response: Response) -> Result<(), Failure> {
    let bar = bar(response.content_length());
    let mut out = tokio::io::stdout();
    loop {
        let chunk = response
            .chunk()
            .await
            .map_err(|error| Failure::later(format!("the response broke off: {}", chain(&error))))?;
        let written = match &chunk {
            Some(chunk) => out.write_all(chunk).await,
            None => out.flush().await,
        };
        match written {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(()), // such as `| head`
            Err(error) => return Err(Failure::refused(format!("standard output: {error}"))),
            Ok(()) => {}
        }
        let Some(chunk) = chunk else { break };
        bar.inc(chunk.len() as u64);
    }
    bar.finish_and_clear();
    Ok(())
}

/// Indicatif shows nothing if standard error is no terminal. If both are terminals, the bar would be in the middle of the body.
fn bar(length: Option<u64>) -> ProgressBar {
    if stdout().is_terminal() {
        return ProgressBar::hidden();
    }
    let (bar, template) = match length {
        Some(length) => {
            (ProgressBar::new(length), "{bar:40} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left")
        }
        None => (ProgressBar::no_length(), "{spinner} {bytes}, {bytes_per_sec}"),
    };
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
