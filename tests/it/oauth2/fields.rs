//! R85: other members of a token response.

use base64::Engine as _;
use reauth::store::MemoryStore;

use super::*;

fn with(members: &str) -> Reply {
    Reply::json(200, format!(r#"{{"access_token":"at-1","token_type":"Bearer","expires_in":300,{members}}}"#))
}

fn jwt(claims: &serde_json::Value) -> String {
    let part = |json: &str| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(json);
    format!("{}.{}.c2ln", part(r#"{"alg":"RS256"}"#), part(&claims.to_string()))
}

#[tokio::test]
async fn r85_only_the_members_that_are_named_are_kept() {
    let reply = with(r#""id_token":"e.y.j","scope":"a b","not-before-policy":7,"none":null"#);
    let server = TokenServer::always(reply);
    let source = service(&server).keep_field("id_token").keep_field("not-before-policy").keep_field("none");
    for got in [source.login().await.unwrap(), source.refresh(&held()).await.unwrap()] {
        let kept = ["id_token", "not-before-policy", "scope", "none", "absent"].map(|name| got.field(name));
        assert_eq!(kept, [Some("e.y.j"), Some("7"), None, None, None]);
        assert!(!format!("{got:?}").contains("e.y.j"));
    }
    assert_eq!(service(&server).login().await.unwrap().field("id_token"), None);
    let request = endpoint(&server).request().keep_field("scope");
    assert_eq!(request.send().await.unwrap().credentials().field("scope"), Some("a b"));
}

#[tokio::test(start_paused = true)]
async fn r85_f145_what_a_source_keeps_is_in_the_store_and_survives_a_refresh() {
    let server = TokenServer::script([
        with(r#""refresh_token":"rt-1","id_token":"one","scope":"a""#),
        // A refresh that says nothing of them, and one that replaces one.
        Reply::tokens("at-2", "rt-2"),
        Reply::json(200, r#"{"access_token":"at-3","refresh_token":"rt-3","id_token":"three"}"#),
    ]);
    let store = MemoryStore::new();
    let start = || {
        let source = user(&server).keep_field("id_token").keep_field("scope");
        let timing = Timing::default().without_jitter();
        Authenticator::builder(source).clock(TestClock::new()).timing(timing).store(store.clone()).build()
    };
    let fields = |got: &Credentials| ["id_token", "scope"].map(|name| got.field(name).map(str::to_owned));
    let [one, three, a] = ["one", "three", "a"].map(|text| Some(text.to_owned()));
    let auth = start();
    assert_eq!(fields(&auth.credentials().await.unwrap()), [one.clone(), a.clone()]);
    assert_eq!(fields(&auth.refresh().await.unwrap()), [one.clone(), Some("openid".to_owned())]);
    // Another process finds them in the store.
    let other = start();
    assert_eq!(fields(&other.credentials().await.unwrap()), [one, Some("openid".to_owned())]);
    assert_eq!(fields(&other.refresh().await.unwrap()), [three, Some("openid".to_owned())]);
    assert_eq!(server.requests(), 3);
}

#[tokio::test(start_paused = true)]
async fn r85_another_member_is_the_bearer_token_and_says_itself_how_long_it_lives() {
    let clock = TestClock::new();
    let now = clock.wall().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let token = jwt(&serde_json::json!({ "iat": now, "exp": now + 3600 }));
    // `token_type` and `expires_in` are about the access token.
    let body =
        format!(r#"{{"access_token":"at-1","token_type":"DPoP","expires_in":60,"id_token":"{token}"}}"#);
    let server = TokenServer::always(Reply::json(200, body));
    let source = service(&server).bearer_field("id_token").keep_field("access_token");
    let auth = Authenticator::builder(source).clock(clock.clone()).build();
    let got = auth.credentials().await.unwrap();
    assert_eq!((got.access_token(), got.field("access_token")), (token.as_str(), Some("at-1")));
    let left = got.expires_at().unwrap().duration_since(clock.wall()).unwrap();
    assert!(left.as_secs() > 3590, "{left:?}");
    let request = endpoint(&server).request().bearer_field("id_token");
    assert_eq!(request.send().await.unwrap().into_credentials().access_token(), token);
}

#[tokio::test]
async fn r85_a_response_without_the_bearer_member_is_no_success() {
    for reply in [Reply::token("at-1"), with(r#""id_token":null"#), with(r#""id_token":"zxq marker""#)] {
        let error = service(&TokenServer::always(reply)).bearer_field("id_token").login().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidResponse);
        assert!(error.to_string().contains("id_token") && !error.to_string().contains("zxq"), "{error}");
    }
}

#[tokio::test]
async fn r85_a_log_out_revokes_the_access_token_and_not_what_is_used_in_its_place() {
    let server = TokenServer::always(Reply::bare(200, ""));
    let revocation = TokenEndpoint::new("https://id.test/revoke").unwrap().transport(server.transport());
    let source = user(&server).bearer_field("id_token").revocation_endpoint(revocation);
    let held = Credentials::new("e.y.j").unwrap().with_refresh_token("rt-0").unwrap();
    source.revoke(&held.clone().with_field("access_token", "at-0")).await.unwrap();
    source.revoke(&held).await.unwrap();
    let revoked: Vec<_> = server.seen().iter().filter_map(|seen| seen.field("token")).collect();
    assert_eq!(revoked, ["rt-0", "at-0", "rt-0"]);
}
