//! Log-ins that wait for a person, who is a script with a browser.

use reauth::oauth2::{DeviceCode, DevicePrompt};

use super::*;
use crate::support::browser::Browser;

const PENDING: &str = "token.urn:ietf:params:oauth:grant-type:device_code.400";

fn device<F, Fut>(idp: &Idp, prompt: F) -> DeviceCode
where
    F: Fn(DevicePrompt) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<(), reauth::Error>> + Send + 'static,
{
    let client = ClientAuth::none(&idp.cli_client).unwrap();
    let source = DeviceCode::new(endpoint(idp), idp.device_url.as_str(), client, prompt).unwrap();
    source
        .scope("openid offline_access api")
        .revocation_endpoint(TokenEndpoint::new(&idp.revoke_url).unwrap())
}

#[tokio::test]
#[ignore = "needs the identity provider: run ./scripts/test"]
async fn r89_a_user_confirms_a_code_and_is_not_asked_again() {
    let idp = std::sync::Arc::new(Idp::spawn(Knobs::default()).await);
    let watched = idp.clone();
    let auth = auth(device(&idp, move |prompt| {
        let idp = watched.clone();
        async move {
            // The first request comes too early.
            while idp.count(PENDING).await == 0 {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            let url = prompt.verification_uri_complete().unwrap();
            let page = Browser::new().confirm_device(url, prompt.user_code()).await;
            assert!(page.status == 200 && page.body.contains("Success"), "{page:?}");
            Ok(())
        }
    }));
    let api = Api::new(&idp, &auth);
    let who = api.whoami().await;
    assert_eq!((&who["sub"], &who["client_id"]), (&"alice".into(), &idp.cli_client.as_str().into()));
    // It renews with the refresh token.
    let first = auth.credentials().await.unwrap();
    let second = auth.refresh().await.unwrap();
    assert_ne!(first.refresh_token(), second.refresh_token());
    assert_eq!(api.whoami().await["sub"], "alice");
    assert_eq!(idp.count("token.refresh_token.200").await, 1);
    auth.log_out().await.unwrap();
}

#[tokio::test]
#[ignore = "needs the identity provider: run ./scripts/test"]
async fn r89_f157_a_user_declines_a_code() {
    let idp = Idp::from_env();
    let auth = auth(device(&idp, async |prompt| {
        let browser = Browser::declining();
        browser.confirm_device(prompt.verification_uri_complete().unwrap(), prompt.user_code()).await;
        Ok(())
    }));
    let error = auth.credentials().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LoginRequired);
    assert!(error.to_string().contains("declined"), "{error}");
}
