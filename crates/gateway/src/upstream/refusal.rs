//! A provider's reply that asks for patience, told from every other.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, DATE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Body as _;
use serde_json::Value;

use super::ReplyBody;

/// The longest refusal that is read; a longer one passes to the agent.
const LIMIT: u64 = 64 << 10;

/// How long the body of a refusal may take.
const BODY_TIME: Duration = Duration::from_secs(20);

/// The longest wait that a provider is believed to mean.
const LONGEST: Duration = Duration::from_hours(24);

/// The first wait where the provider does not say how long, doubled with every further attempt.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// The longest wait where the provider does not say how long.
const LAST_WAIT: Duration = Duration::from_mins(1);

const RETRY_AFTER_MS: HeaderName = HeaderName::from_static("retry-after-ms");

/// Codes of errors that waiting does not mend, in the words of providers.
const SPENT: [&str; 2] = ["insufficient_quota", "billing_hard_limit_reached"];

/// A reply that asks for patience.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    /// How long it asks to wait.
    pub(super) retry_after: Option<Duration>,
}

impl Refusal {
    /// Tells a refusal from any other reply, which is returned as it was.
    ///
    /// | status | says how long | refusal |
    /// |---|---|---|
    /// | 429, 529 | any | yes |
    /// | 503 | yes | yes |
    /// | 503 | no | no: it failed, and does not ask for patience |
    /// | any, with `x-should-retry: false`, or with the code of a spent account | any | no: waiting mends nothing |
    /// | any other | any | no |
    pub(super) async fn of(response: Response<ReplyBody>) -> Result<Self, Response<ReplyBody>> {
        let retry_after = retry_after(response.headers(), SystemTime::now());
        let asks = match response.status().as_u16() {
            429 | 529 => true,
            503 => retry_after.is_some(),
            _ => false,
        };
        let is_final = response.headers().get("x-should-retry").is_some_and(|value| value == "false");
        let announced = response.body().size_hint().exact();
        if !asks || is_final || announced.is_some_and(|length| length > LIMIT) {
            return Err(response);
        }
        let (head, body) = response.into_parts();
        let mut headers = head.headers;
        // What did not come whole is not told further; the status says enough.
        let body = tokio::time::timeout(BODY_TIME, read(body)).await.ok().flatten().unwrap_or_else(|| {
            headers.remove(CONTENT_LENGTH);
            Bytes::new()
        });
        let refusal = Self { status: head.status, headers, body, retry_after };
        if refusal.is_spent() { Err(refusal.into_response()) } else { Ok(refusal) }
    }

    fn error(&self) -> Option<Value> {
        let mut body: Value = serde_json::from_slice(&self.body).ok()?;
        Some(body.get_mut("error").map(Value::take).unwrap_or(body))
    }

    fn is_spent(&self) -> bool {
        let error = self.error().unwrap_or_default();
        let words = ["code", "type"].map(|key| error.get(key).and_then(Value::as_str));
        words.into_iter().flatten().any(|word| SPENT.contains(&word))
    }

    /// Returns the status.
    pub(super) fn status(&self) -> u16 {
        self.status.as_u16()
    }

    /// Returns what it says, in a line.
    pub(super) fn message(&self) -> String {
        let stated = |error: Value| Some(error.get("message")?.as_str()?.to_owned());
        let text = self.error().and_then(stated);
        let text = text.unwrap_or_else(|| String::from_utf8_lossy(&self.body).into_owned());
        text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(200).collect()
    }

    /// Returns how long to wait after the so-manieth refusal of a request, from 1.
    pub(super) fn wait(&self, refusals: u32) -> Duration {
        let growing = FIRST_WAIT.saturating_mul(1 << (refusals - 1).min(6)).min(LAST_WAIT);
        // No time at all would be an invitation to ask without end.
        self.retry_after.filter(|wait| !wait.is_zero()).unwrap_or(growing)
    }

    /// Returns it as the reply that it was.
    pub(super) fn into_response(self) -> Response<ReplyBody> {
        let mut response = Response::new(Full::new(self.body).map_err(|never| match never {}).boxed_unsync());
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }

    /// Returns it as the reply to a request that came later, with what is left of the time.
    pub(super) fn repeated(mut self, left: Duration) -> Response<ReplyBody> {
        let seconds = left.as_secs() + u64::from(left.subsec_nanos() > 0);
        self.headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        self.headers.remove(RETRY_AFTER_MS);
        self.into_response()
    }
}

/// Reads a body; none where it breaks off or is too long.
async fn read(mut body: ReplyBody) -> Option<Bytes> {
    let mut whole = Vec::new();
    while let Some(frame) = body.frame().await {
        whole.extend_from_slice(frame.ok()?.data_ref().unwrap_or(&Bytes::new()));
        if whole.len() as u64 > LIMIT {
            return None;
        }
    }
    Some(whole.into())
}

/// How long a reply asks to wait: `retry-after-ms`, else `Retry-After` as seconds or as a date.
///
/// A date is taken by the provider's own clock where the reply tells its time.
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name: HeaderName| headers.get(name)?.to_str().ok().map(str::trim);
    let number = |text: &str| {
        let number: f64 = text.parse().ok()?;
        Duration::try_from_secs_f64(number).ok().or((number > 0.0).then_some(LONGEST))
    };
    let milliseconds = text(RETRY_AFTER_MS).and_then(number).map(|wait| wait / 1000);
    let waited = || {
        let said = text(RETRY_AFTER)?;
        number(said).or_else(|| {
            let at = httpdate::parse_http_date(said).ok()?;
            let now = text(DATE).and_then(|date| httpdate::parse_http_date(date).ok()).unwrap_or(now);
            Some(at.duration_since(now).unwrap_or(Duration::ZERO))
        })
    };
    milliseconds.or_else(waited).map(|wait| wait.min(LONGEST))
}

#[cfg(test)]
impl Refusal {
    /// A refusal without a word.
    pub(super) fn saying(status: StatusCode) -> Self {
        Self { status, headers: HeaderMap::new(), body: Bytes::new(), retry_after: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(headers: &[(&'static str, &'static str)]) -> Option<Duration> {
        let pairs = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        retry_after(&pairs.collect(), now)
    }

    #[test]
    fn the_wait_is_read_in_every_form_that_providers_use() {
        let seconds = |seconds| Some(Duration::from_secs_f64(seconds));
        assert_eq!(asked(&[("retry-after", "7")]), seconds(7.0));
        assert_eq!(asked(&[("retry-after", " 1.5 ")]), seconds(1.5));
        assert_eq!(asked(&[("retry-after", "7"), ("retry-after-ms", "250")]), seconds(0.25));
        assert_eq!(asked(&[("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT")]), seconds(30.0));
        assert_eq!(asked(&[("retry-after", "Sunday, 06-Nov-94 08:50:07 GMT")]), seconds(30.0));
        assert_eq!(asked(&[("retry-after", "Sun Nov  6 08:50:07 1994")]), seconds(30.0));
        assert_eq!(asked(&[("retry-after", "Sun, 06 Nov 1994 08:00:00 GMT")]), seconds(0.0));
        let both =
            [("retry-after", "Sun, 06 Nov 1994 09:00:10 GMT"), ("date", "Sun, 06 Nov 1994 09:00:00 GMT")];
        assert_eq!(asked(&both), seconds(10.0), "by the provider's clock");
        assert_eq!(asked(&[("retry-after", "1e300")]), Some(LONGEST));
        for nonsense in ["", "soon", "-3", "NaN", "Sun, 06 Nov"] {
            assert_eq!(asked(&[("retry-after", nonsense)]), None, "{nonsense:?}");
        }
    }

    async fn refused(status: u16, headers: &[(&'static str, &'static str)], body: &'static str) -> bool {
        let body = Full::from(body).map_err(|never| match never {}).boxed_unsync();
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        for (name, value) in headers {
            response.headers_mut().insert(*name, HeaderValue::from_static(value));
        }
        Refusal::of(response).await.is_ok()
    }

    #[tokio::test]
    async fn only_what_asks_for_patience_is_a_refusal() {
        let wait = [("retry-after", "1")];
        assert!(refused(429, &[], "").await && refused(529, &[], "{}").await);
        assert!(refused(503, &wait, "").await && !refused(503, &[], "").await);
        assert!(!refused(500, &wait, "").await && !refused(200, &wait, "").await);
        assert!(!refused(429, &[("x-should-retry", "false")], "").await);
        assert!(!refused(429, &wait, r#"{"error": {"code": "insufficient_quota"}}"#).await);
        assert!(refused(429, &wait, r#"{"error": {"code": "rate_limit_exceeded"}}"#).await);
    }

    #[test]
    fn waits_of_a_provider_that_does_not_say_how_long_grow_to_a_minute() {
        let refusal = |retry_after| Refusal { retry_after, ..Refusal::saying(StatusCode::TOO_MANY_REQUESTS) };
        let waits = [1, 2, 3, 7, 1000].map(|attempt| refusal(None).wait(attempt).as_secs());
        assert_eq!(waits, [1, 2, 4, 60, 60]);
        assert_eq!(refusal(Some(Duration::from_secs(9))).wait(5).as_secs(), 9);
        assert_eq!(refusal(Some(Duration::ZERO)).wait(2).as_secs(), 2);
    }
}
