//! kube-client's layer: with a token file, and with a program that is run for a token.

use std::error::Error;

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderValue, Request, Response};
use http_body_util::Full;
use kube_client::Config;
use kube_client::client::ConfigExt;
use kube_client::config::{ExecConfig, ExecInteractiveMode};
use reauth_benches::call::Measure;
use reauth_benches::contenders::tower_with;
use reauth_benches::request::{ORIGIN, Shape};
use reauth_benches::stampede::SHORT;
use tower::util::BoxCloneSyncService;
use tower::{BoxError, Layer, ServiceExt, service_fn};

use super::Peer;
use crate::provider::Provider;

/// The layer with a token file, which it reads again each minute, on the path of a request.
///
/// # Errors
///
/// The file can't be written.
pub fn with_token_file<M: Measure>(shape: Shape, measure: M) -> Result<M::Out, Box<dyn Error>> {
    let file = std::env::temp_dir().join(format!("reauth-bench-peers-{}", std::process::id()));
    std::fs::write(&file, reauth_benches::token())?;
    let mut config = Config::new(ORIGIN.parse()?);
    config.auth_info.token_file = Some(file.to_string_lossy().into_owned());
    let layer = config.auth_layer()?.ok_or("no layer for a token file")?;
    let out = tower_with::<BoxError, _, _>(shape, |inner| layer.layer(inner), measure);
    // It was read when the layer was made; should it be read again, the one in hand stays.
    std::fs::remove_file(&file)?;
    Ok(out)
}

/// The layer with a program that is run for a token: this one, which asks the token endpoint.
pub struct KubeExec(BoxCloneSyncService<Request<Full<Bytes>>, Response<HeaderValue>, BoxError>);

/// The argument, before the endpoint's address, with which a program of this package has to call [`run_for_a_token`].
pub const RUN: &str = "--for-a-token";

impl KubeExec {
    /// The layer with its first token, for which it blocks.
    ///
    /// # Errors
    ///
    /// The program can't be run.
    pub fn new(provider: &Provider) -> Result<Self, Box<dyn Error>> {
        let mut exec: ExecConfig = serde_json::from_value(serde_json::json!({
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": std::env::current_exe()?,
            "args": [RUN, provider.address().to_string()],
        }))?;
        exec.interactive_mode = Some(ExecInteractiveMode::Never);
        let mut config = Config::new(ORIGIN.parse()?);
        config.auth_info.exec = Some(exec);
        let layer = config.auth_layer()?.ok_or("no layer for a program")?;
        let shows = service_fn(async |request: Request<Full<Bytes>>| {
            Ok::<_, BoxError>(Response::new(request.headers()[AUTHORIZATION].clone()))
        });
        Ok(Self(BoxCloneSyncService::new(layer.layer(shows))))
    }
}

impl Peer for KubeExec {
    async fn ask(&self, look: &(impl Fn(&str) -> bool + Sync)) -> bool {
        let Ok(sent) = self.0.clone().oneshot(Request::default()).await else { return false };
        let header = sent.body().to_str().ok();
        header.and_then(|value| value.strip_prefix("Bearer ")).is_some_and(look)
    }
}

/// Asks the token endpoint and prints what kube-client wants to read.
///
/// # Errors
///
/// The endpoint doesn't answer.
pub fn run_for_a_token(address: &str) -> Result<(), Box<dyn Error>> {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(address)?;
    stream.write_all(b"POST /token HTTP/1.1\r\nhost: t\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (_, body) = answer.split_once("\r\n\r\n").ok_or("no answer")?;
    let token: serde_json::Value = serde_json::from_str(body)?;
    let lasts = token["expires_in"].as_u64().is_some_and(|seconds| seconds > SHORT.as_secs());
    // A date, which nobody here can write: one that is over, or one that is far.
    let until = if lasts { "2100-01-01T00:00:00Z" } else { "2000-01-01T00:00:00Z" };
    let status = serde_json::json!({ "token": token["access_token"], "expirationTimestamp": until });
    println!("{}", serde_json::json!({ "kind": "ExecCredential", "status": status }));
    Ok(())
}
