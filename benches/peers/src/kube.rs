//! kube-client's layer, on the path of a request.

use std::error::Error;

use kube_client::Config;
use kube_client::client::ConfigExt;
use reauth_benches::call::Measure;
use reauth_benches::contenders::tower_with;
use reauth_benches::request::Shape;
use tower::Layer;

/// The layer with a token file, which it reads again each minute.
pub(crate) fn with_token_file<M: Measure>(shape: Shape, measure: M) -> Result<M::Out, Box<dyn Error>> {
    let file = std::env::temp_dir().join(format!("reauth-bench-peers-{}", std::process::id()));
    std::fs::write(&file, reauth_benches::token())?;
    let mut config = Config::new("https://api.example.com".parse()?);
    config.auth_info.token_file = Some(file.to_string_lossy().into_owned());
    let layer = config.auth_layer()?.ok_or("no layer for a token file")?;
    let out = tower_with(shape, |inner| layer.layer(inner), measure);
    // It was read when the layer was made; should it be read again, the one in hand stays.
    std::fs::remove_file(&file)?;
    Ok(out)
}
