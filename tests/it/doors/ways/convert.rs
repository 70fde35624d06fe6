//! Between the requests of the tests and those of each way in.

use std::fmt::Debug;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt as _, Full};
use reauth::AuthError;
use reauth::per_request::ResendCount;
use reqwest::ResponseBuilderExt as _;

use super::super::api::{Api, Body, CameFrom, Outcome, Seen};
use super::Call;
use crate::tower_layer::api::Broken;

/// A body of a type that nobody knows, so it is sent once.
#[derive(Debug)]
pub struct Once;

/// A way in for `http::Request`s with any body.
pub trait HttpWay {
    fn run<B>(
        auth: reauth::Authorizer,
        api: Api,
        request: Request<B>,
    ) -> impl Future<Output = super::Outcome> + Send
    where
        B: Debug + Send + Sync + 'static;
}

/// Sends a request with the type of its body.
pub fn run<W: HttpWay>(auth: &reauth::Authorizer, api: &Api, request: Request<Body>) -> Call {
    let (auth, api) = (auth.clone(), api.clone());
    Box::pin(async move {
        let (head, body) = request.into_parts();
        match body {
            Body::Text(text) => W::run(auth, api, Request::from_parts(head, text.to_owned())).await,
            Body::Once => W::run(auth, api, Request::from_parts(head, Once)).await,
        }
    })
}

/// Has the API respond to an `http::Request`.
pub fn call_http<B: Debug>(api: &Api, request: Request<B>) -> Outcome {
    let (head, body) = request.into_parts();
    call_parts(api, &head, &head.headers, &body)
}

/// The same for the parts of a request, with these headers.
pub fn call_parts<B: Debug>(api: &Api, head: &Parts, headers: &HeaderMap, body: &B) -> Outcome {
    api.call(Seen {
        method: head.method.clone(),
        url: head.uri.to_string(),
        headers: headers.clone(),
        body: format!("{body:?}"),
        resends: head.extensions.get::<ResendCount>().map(|count| count.0),
    })
}

pub fn reqwest_request(head: &Parts, body: Body) -> reqwest::Request {
    let url = head.uri.to_string().parse().unwrap();
    let mut request = reqwest::Request::new(head.method.clone(), url);
    *request.headers_mut() = head.headers.clone();
    *request.body_mut() = match body {
        Body::Text("") => None,
        Body::Text(text) => Some(text.into()),
        Body::Once => Some(reqwest::Body::wrap(Full::new(Bytes::from_static(b"once")))),
    };
    request
}

/// Has the API respond to a `reqwest::Request`.
pub fn call_reqwest(
    api: &Api,
    request: &reqwest::Request,
    resends: Option<u32>,
) -> Result<reqwest::Response, Broken> {
    let outcome = api.call(Seen {
        method: request.method().clone(),
        url: request.url().to_string(),
        headers: request.headers().clone(),
        body: format!("{:?}", request.body()),
        resends,
    });
    let (head, body) = outcome?.into_parts();
    let from = head.extensions.get::<CameFrom>().map(|from| from.0.to_string().parse().unwrap());
    let url: reqwest::Url = from.unwrap_or_else(|| request.url().clone());
    let mut response = Response::builder().url(url).body(body).unwrap();
    *response.status_mut() = head.status;
    *response.headers_mut() = head.headers;
    Ok(response.into())
}

/// reqwest's response as one of `http`, with its extensions.
pub async fn http_response(response: reqwest::Response) -> Response<String> {
    let (head, body) = Response::<reqwest::Body>::from(response).into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    Response::from_parts(head, String::from_utf8(bytes.to_vec()).unwrap())
}

/// The API's error, as it comes out of reqwest-middleware.
pub fn broken(error: reqwest_middleware::Error) -> AuthError<Broken> {
    AuthError::from(error).map_service(|error| match error {
        reqwest_middleware::Error::Middleware(error) => error.downcast().unwrap(),
        error @ reqwest_middleware::Error::Reqwest(_) => panic!("{error:?}"),
    })
}
