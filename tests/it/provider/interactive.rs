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

#[cfg(feature = "loopback")]
mod browser {
    use reauth::oauth2::AuthorizationCode;
    use tokio::task::JoinHandle;

    use super::*;
    use crate::support::browser::Page;

    /// A log-in in this browser, which opens the URL in a task of its own.
    fn code(idp: &Idp, browser: fn() -> Browser) -> (AuthorizationCode, std::sync::Arc<Tab>) {
        let tab = std::sync::Arc::<Tab>::default();
        let opened = tab.clone();
        let client = ClientAuth::none(&idp.cli_client).unwrap();
        let source = AuthorizationCode::new(endpoint(idp), &idp.auth_url, client, move |url| {
            let tab = tokio::spawn(async move { browser().get(&url).await });
            *opened.lock().unwrap() = Some(tab);
            async { Ok(()) }
        });
        let source = source.unwrap().issuer(&idp.base_url).scope("openid offline_access api");
        (source.revocation_endpoint(TokenEndpoint::new(&idp.revoke_url).unwrap()), tab)
    }

    type Tab = std::sync::Mutex<Option<JoinHandle<Page>>>;

    async fn shown(tab: &Tab) -> Page {
        let tab = tab.lock().unwrap().take();
        tab.expect("a tab").await.unwrap()
    }

    #[tokio::test]
    #[ignore = "needs the identity provider: run ./scripts/test"]
    async fn r91_a_user_logs_in_in_a_browser_and_is_not_asked_again() {
        let idp = Idp::spawn(Knobs::default()).await;
        let (source, tab) = code(&idp, Browser::new);
        let auth = auth(source);
        let api = Api::new(&idp, &auth);
        let who = api.whoami().await;
        assert_eq!((&who["sub"], &who["client_id"]), (&"alice".into(), &idp.cli_client.as_str().into()));
        let page = shown(&tab).await;
        assert!(page.status == 200 && page.body.contains("You can close this tab"), "{page:?}");
        assert!(page.url.contains("&iss="), "the provider names its issuer: {page:?}");

        let first = auth.credentials().await.unwrap();
        let second = auth.refresh().await.unwrap();
        assert_ne!(first.refresh_token(), second.refresh_token());
        assert_eq!(api.whoami().await["sub"], "alice");
        assert_eq!(idp.count("token.authorization_code.200").await, 1);
        auth.log_out().await.unwrap();
        // The log-out has ended it at the provider too, so that the next call is another log-in.
        assert_eq!(api.whoami().await["sub"], "alice");
        assert_eq!(idp.count("token.authorization_code.200").await, 2);
    }

    #[tokio::test]
    #[ignore = "needs the identity provider: run ./scripts/test"]
    async fn f162_a_user_declines_in_a_browser() {
        let idp = Idp::from_env();
        let (source, tab) = code(&idp, Browser::declining);
        let error = auth(source).credentials().await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::LoginRequired, Some("access_denied")));
        assert!(error.to_string().contains("the user declined"), "{error}");
        assert!(shown(&tab).await.body.contains("failed"));
    }

    #[tokio::test]
    #[ignore = "needs the identity provider: run ./scripts/test"]
    async fn r91_f163_another_issuer_is_refused_and_its_code_is_not_sent() {
        let idp = Idp::spawn(Knobs::default()).await;
        let (source, _tab) = code(&idp, Browser::new);
        let error = auth(source.issuer("https://id.test")).credentials().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misconfigured);
        assert_eq!(idp.count("token.total").await, 0);
    }
}
