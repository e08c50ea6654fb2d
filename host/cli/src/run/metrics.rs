//! Serves a run's figures over HTTP, at one path, from a thread of its own. It knows nothing of the figures but their text.
//!
//! Whoever asks is a stranger: there is no password. So one who asks slowly, too much or too often gets less, and no frame waits for them: the text is made
//! in memory a few times a second at most, and every connection is over after a few seconds.

use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use overt_pipeline::Metrics;
use tokio::sync::Semaphore;

use crate::failure::Failure;

/// Connections at a time; more wait outside.
const CONNECTIONS: usize = 8;

/// Between two connections that are let in: 200 a second are enough for anybody.
const PAUSE: Duration = Duration::from_millis(5);

/// The longest that the head of a request may take.
const HEAD: Duration = Duration::from_secs(2);

/// The longest that a connection may take, answer included.
const WHOLE: Duration = Duration::from_secs(5);

/// Most bytes of a request's head, the least that hyper can be held to.
const HEAD_BYTES: usize = 8 << 10;

/// Most headers of a request.
const HEADERS: usize = 32;

/// For so long the same text is good enough for the next who asks.
const FRESH: Duration = Duration::from_millis(250);

/// What the text is: OpenMetrics, which Prometheus reads.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Takes the address. Before the process shuts itself in: afterwards it may take none.
pub(super) fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    let refused = |error: std::io::Error| {
        Failure::new(
            format!("the metrics cannot be served at {address}: {error}"),
            "choose another port for `metrics` under [host], or end the program that has this one",
        )
    };
    let listener = TcpListener::bind(address).map_err(refused)?;
    listener.set_nonblocking(true).map_err(refused)?;
    Ok(listener)
}

/// Serves until the process ends.
pub(super) fn serve(listener: TcpListener, metrics: Arc<Metrics>) -> Result<(), Failure> {
    let refused = |error: std::io::Error| {
        Failure::new(
            format!("the metrics cannot be served: {error}"),
            "take `metrics` under [host] out of the deployment file, and run `overt doctor`",
        )
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()
        .map_err(refused)?;
    let listener = {
        let _within = runtime.enter();
        tokio::net::TcpListener::from_std(listener).map_err(refused)?
    };
    std::thread::Builder::new()
        .name("overt-metrics".to_owned())
        .spawn(move || runtime.block_on(accept(listener, Arc::new(Figures::new(metrics)))))
        .map_err(refused)?;
    Ok(())
}

/// The figures' text, as old as [`FRESH`] at most.
struct Figures {
    metrics: Arc<Metrics>,
    made: Mutex<Option<(Instant, Bytes)>>,
}

impl Figures {
    fn new(metrics: Arc<Metrics>) -> Self {
        Self {
            metrics,
            made: Mutex::new(None),
        }
    }

    fn text(&self) -> Result<Bytes, std::fmt::Error> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((when, text)) = &*made
            && when.elapsed() < FRESH
        {
            return Ok(text.clone());
        }
        let text = Bytes::from(self.metrics.render()?);
        *made = Some((Instant::now(), text.clone()));
        Ok(text)
    }
}

async fn accept(listener: tokio::net::TcpListener, figures: Arc<Figures>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        // Nobody closes it, so there is always a place in the end.
        let Ok(place) = places.clone().acquire_owned().await else {
            return;
        };
        // One that failed is gone already; where there are no more files to open, the pause lets some be closed.
        if let Ok((stream, _)) = listener.accept().await {
            let figures = figures.clone();
            tokio::spawn(async move {
                let answer = service_fn(move |request| {
                    let response = answer(&figures, &request);
                    async move { Ok::<_, std::convert::Infallible>(response) }
                });
                let connection = http1::Builder::new()
                    .timer(TokioTimer::new())
                    .header_read_timeout(HEAD)
                    .max_buf_size(HEAD_BYTES)
                    .max_headers(HEADERS)
                    .keep_alive(false)
                    .serve_connection(TokioIo::new(stream), answer);
                // However it ended, there is nobody to tell.
                let _ = tokio::time::timeout(WHOLE, connection).await;
                drop(place);
            });
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn answer(figures: &Figures, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    let plain = |status, text: &'static str| {
        let mut response = Response::new(Full::from(text));
        *response.status_mut() = status;
        response
    };
    if request.uri().path() != "/metrics" {
        return plain(StatusCode::NOT_FOUND, "The metrics are at /metrics.\n");
    }
    if ![Method::GET, Method::HEAD].contains(request.method()) {
        let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, "GET or HEAD.\n");
        let allowed = HeaderValue::from_static("GET, HEAD");
        response.headers_mut().insert(ALLOW, allowed);
        return response;
    }
    let Ok(text) = figures.text() else {
        return plain(
            StatusCode::INTERNAL_SERVER_ERROR,
            "The figures cannot be written down.\n",
        );
    };
    let mut response = Response::new(Full::from(text));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(OPEN_METRICS));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
