//! A user with a browser, as a script: it follows redirects, keeps cookies, and sends the forms of the provider's pages.

use std::collections::BTreeMap;
use std::sync::Mutex;

use http::Uri;
use http::header::{COOKIE, LOCATION, SET_COOKIE};

pub(crate) struct Browser {
    http: reqwest::Client,
    cookies: Mutex<BTreeMap<String, String>>,
    /// Whoever `server.mjs` takes for the user.
    user: &'static str,
}

/// The page at the end of the redirects.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) url: String,
    pub(crate) body: String,
}

impl Browser {
    /// Of a user who agrees to everything.
    pub(crate) fn new() -> Self {
        Self::of("alice")
    }

    /// Of a user who declines.
    pub(crate) fn declining() -> Self {
        Self::of("nobody")
    }

    fn of(user: &'static str) -> Self {
        let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        Self { http: http.build().unwrap(), cookies: Mutex::default(), user }
    }

    pub(crate) async fn get(&self, url: &str) -> Page {
        self.open(self.http.get(url), url).await
    }

    /// Enters the code of a device and confirms it.
    pub(crate) async fn confirm_device(&self, url: &str, user_code: &str) -> Page {
        let entered = self.get(url).await;
        let page = url.split('?').next().unwrap();
        let confirm = self.submit(page, &entered, &[("user_code", user_code)]).await;
        self.submit(page, &confirm, &[("user_code", user_code), ("confirm", "yes")]).await
    }

    async fn submit(&self, url: &str, page: &Page, fields: &[(&str, &str)]) -> Page {
        let token = page.body.split(r#"name="xsrf" value=""#).nth(1).expect("a form");
        let token = token.split('"').next().unwrap();
        let form = [("xsrf", token)].into_iter().chain(fields.iter().copied());
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = self.http.post(url).header("content-type", "application/x-www-form-urlencoded");
        self.open(request.body(form), url).await
    }

    async fn open(&self, request: reqwest::RequestBuilder, url: &str) -> Page {
        let (mut request, mut url) = (request, url.to_owned());
        loop {
            let cookies: Vec<_> =
                self.cookies.lock().unwrap().iter().map(|(name, value)| format!("{name}={value}")).collect();
            let sent = request.header(COOKIE, cookies.join("; ")).header("x-user", self.user).send().await;
            let response = sent.unwrap_or_else(|error| panic!("{url}: {error}"));
            for cookie in response.headers().get_all(SET_COOKIE) {
                let pair = cookie.to_str().unwrap().split(';').next().unwrap();
                let (name, value) = pair.split_once('=').unwrap();
                self.cookies.lock().unwrap().insert(name.to_owned(), value.to_owned());
            }
            let Some(location) = response.headers().get(LOCATION) else {
                let status = response.status().as_u16();
                return Page { status, url, body: response.text().await.unwrap() };
            };
            let location = location.to_str().unwrap();
            url = match location.starts_with('/') {
                true => {
                    let origin: Uri = url.parse().unwrap();
                    format!("http://{}{location}", origin.authority().unwrap())
                }
                false => location.to_owned(),
            };
            request = self.http.get(&url);
        }
    }
}
