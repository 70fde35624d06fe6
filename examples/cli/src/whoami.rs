//! `whoami`: who the access token belongs to. The token itself is never shown.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use reauth::Origins;
use serde_json::{Map, Value};

use crate::failure::{Failure, chain};
use crate::session::{Profile, Session};

pub(crate) async fn run(profile: &Profile) -> Result<(), Failure> {
    let session = profile.session().await?;
    session.run(whoami(&session)).await
}

async fn whoami(session: &Session<'_>) -> Result<(), Failure> {
    let credentials = session.auth.credentials().await;
    let credentials = credentials.map_err(|error| session.credentials_failed(&error))?;
    let claims = match claims(credentials.access_token()) {
        Some(claims) => claims,
        None => ask(session).await?,
    };
    for (name, value) in claims {
        match value {
            Value::String(text) => println!("{name:<20} {text}"),
            other => println!("{name:<20} {other}"),
        }
    }
    Ok(())
}

/// What a JWT (RFC 7519) says. Nobody checks its signature here: that is for the API to do.
fn claims(token: &str) -> Option<Map<String, Value>> {
    let mut parts = token.split('.');
    let (_, payload, _) = (parts.next()?, parts.next()?, parts.next()?);
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
}

/// Asks the userinfo endpoint (OpenID Connect Core, section 5.3). It is at the provider, so the token may go there.
async fn ask(session: &Session<'_>) -> Result<Map<String, Value>, Failure> {
    let Some(url) = &session.settings.userinfo_url else {
        return Err(Failure::settings(
            "the access token does not say whose it is, and the profile has no userinfo endpoint; \
             `login oauth2` and `login vathos` take one as `--userinfo-url`",
        ));
    };
    let response = session.client(Origins::of_url(url)?).get(url).send().await;
    let response = response.map_err(|error| session.request_failed(&error))?;
    if !response.status().is_success() {
        return Err(Failure::refused(format!(
            "{url} responded with {}; the scope of the login may have to include `openid`",
            response.status()
        )));
    }
    let body = response.bytes().await.map_err(|error| Failure::later(chain(&error)))?;
    serde_json::from_slice(&body)
        .map_err(|_| Failure::refused(format!("{url} did not respond with a JSON object")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jwt_says_whose_it_is_and_anything_else_does_not() {
        let payload = BASE64_URL_SAFE_NO_PAD.encode(r#"{"sub":"ada","n":1}"#);
        let claims_of = |token: &str| claims(token).map(|claims| claims["sub"].to_string());
        assert_eq!(claims_of(&format!("e30.{payload}.c2ln")).as_deref(), Some("\"ada\""));
        for other in ["opaque", "a.b", "a.b.c", &format!("e30.{payload}")] {
            assert_eq!(claims_of(other), None, "{other}");
        }
    }
}
