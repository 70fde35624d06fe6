//! Grants of one's own, each a token request.

use reauth::{Error, source_fn};

use super::*;

#[tokio::test]
#[ignore = "needs the identity provider: run ./scripts/test"]
async fn r80_f140_a_request_of_ones_own_gets_tokens_at_a_real_provider() {
    let idp = Idp::from_env();
    // As in docs/sources.md, with a grant that this provider has.
    let (endpoint, client_auth, user) = (endpoint(&idp), basic(&idp.pw_client), idp.user.clone());
    let auth = auth(source_fn(move || {
        let request = endpoint.request().client(&client_auth).grant("password").scope("api");
        let user = user.clone();
        async move {
            let request = request.field("username", user.id)?.field("password", user.secret)?;
            Ok(request.send().await?.into_credentials())
        }
    }));
    let who = Api::new(&idp, &auth).whoami().await;
    assert_eq!((&who["sub"], &who["scope"]), (&idp.user.id.as_str().into(), &"api".into()));
}

/// Logs in and refreshes with requests of its own.
struct Mine(TokenEndpoint, ClientAuth, Login);

impl CredentialSource for Mine {
    async fn login(&self) -> Result<Credentials, Error> {
        let request = self.0.request().client(&self.1).grant("password");
        let request = request.field("username", &self.2.id)?.field("password", &self.2.secret)?;
        Ok(request.send().await?.into_credentials())
    }

    async fn refresh(&self, held: &Credentials) -> Result<Credentials, Error> {
        let refresh_token = held.refresh_token().unwrap_or_default();
        let request = self.0.request().client(&self.1).grant("refresh_token");
        Ok(request.field("refresh_token", refresh_token)?.send().await?.into_credentials())
    }
}

#[tokio::test]
#[ignore = "needs the identity provider: run ./scripts/test"]
async fn r80_what_a_real_provider_refuses_is_told_apart_by_the_grant_type() {
    let idp = Idp::spawn(Knobs::default()).await;
    let source = |user: &Login| Mine(endpoint(&idp), post(&idp.pw_client), user.clone());
    let good = auth(source(&idp.user));
    let first = good.credentials().await.unwrap();
    let second = good.refresh().await.unwrap();
    assert_ne!(second.refresh_token(), first.refresh_token(), "it is rotated");

    // This ends the family: the next one is a log-in.
    let error = source(&idp.user).refresh(&first).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::LoginRequired, Some("invalid_grant")));
    assert!(error.to_string().contains("the refresh token was refused"), "{error}");
    good.refresh().await.unwrap();
    assert_eq!(idp.count("token.password.200").await, 2);

    let wrong = Login { id: idp.user.id.clone(), secret: "wrong-s3cret".to_owned() };
    let error = source(&wrong).login().await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::LoginRequired, Some("invalid_grant")));
    assert!(error.to_string().contains("refused the log-in"), "{error}");
}
