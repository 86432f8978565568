//! Listening and stopping.
use super::refusals::Told;
use super::request_lines::Encoded;
use super::tls::{Certificate, TlsListener};
use super::{Doors, router};
use axum::Router;
use axum::serve::{Listener, ListenerExt};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use std::io;
use std::net::ToSocketAddrs;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tracing::{debug, info, warn};

/// What running queries are given to end after the signal to stop.
const GRACE: Duration = Duration::from_secs(20);
/// Connections at once; others wait to be taken.
const CONNECTIONS: u32 = 4096;

/// From where the doors may be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// From this machine alone.
    Machine,
    /// From wherever the network lets somebody through.
    Network,
}

/// Opens the address, if it is within reach.
pub async fn listener(address: &str, reach: Reach) -> io::Result<TcpListener> {
    let places: Vec<_> = address.to_socket_addrs()?.collect();
    let open = places.iter().find(|place| !place.ip().is_loopback());
    if let (Some(open), Reach::Machine) = (open, reach) {
        let message = format!(
            "{open} can be reached from other machines, which needs sign-in and TLS: give `--sign-in`, `--tls-cert` and \
             `--tls-key`; or listen on a loopback address such as 127.0.0.1:8080; or, where something before it sees to \
             both, give `--trust-network`"
        );
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, message));
    }
    TcpListener::bind(places.as_slice()).await
}

/// Serves until SIGINT or SIGTERM, then lets running queries end.
pub async fn serve(listener: TcpListener, doors: Doors, certificate: Option<Arc<Certificate>>) -> io::Result<()> {
    match certificate {
        Some(certificate) => {
            let doors = Doors { secure: true, ..doors };
            serve_on(TlsListener::over(listener, certificate)?, doors).await;
        }
        None => {
            // Answers are written whole, so waiting to fill packets only delays them.
            let listener = listener.tap_io(|stream| {
                if let Err(error) = stream.set_nodelay(true) {
                    warn!(%error, "no TCP_NODELAY");
                }
            });
            serve_on(listener, doors).await;
        }
    }
    Ok(())
}

async fn serve_on<L: Listener>(mut listener: L, doors: Doors) {
    let patience = doors.patience;
    let router = router(doors);
    let (stop, stopping) = watch::channel(false);
    let places = Arc::new(Semaphore::new(CONNECTIONS as usize));
    let mut signal = pin!(signal());
    loop {
        let accepted = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place, listener.accept().await.0)
        };
        let (place, stream) = tokio::select! {
            () = &mut signal => break,
            accepted = accepted => accepted,
        };
        let (router, stopping) = (router.clone(), stopping.clone());
        tokio::spawn(async move {
            let _place = place;
            connection::<L>(stream, router, stopping, patience).await;
        });
    }
    drop(listener);
    info!("stopping");
    let _ = stop.send(true);
    let ended = tokio::time::timeout(GRACE, places.acquire_many(CONNECTIONS)).await;
    if ended.is_err() {
        warn!("some queries were broken off");
    }
}

/// One connection, request by request, until either side has had enough.
async fn connection<L: Listener>(
    stream: L::Io,
    router: Router,
    mut stopping: watch::Receiver<bool>,
    patience: Duration,
) {
    let mut builder = Builder::new(TokioExecutor::new()).http1_only();
    builder.http1().timer(TokioTimer::new()).header_read_timeout(patience);
    let mut connection =
        pin!(builder.serve_connection(TokioIo::new(Told::new(Encoded::new(stream))), TowerToHyperService::new(router)));
    let stopped = async {
        let _ = stopping.wait_for(|stop| *stop).await;
    };
    tokio::select! {
        ended = connection.as_mut() => {
            if let Err(error) = ended {
                debug!(error = %error, "a connection broke");
            }
            return;
        }
        () = stopped => connection.as_mut().graceful_shutdown(),
    }
    if let Err(error) = connection.await {
        debug!(error = %error, "a connection broke");
    }
}
async fn signal() {
    let interrupt = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    {
        let terminate = async {
            match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
                Ok(mut signal) => {
                    signal.recv().await;
                }
                Err(_) => std::future::pending::<()>().await,
            }
        };
        tokio::select! { () = interrupt => {}, () = terminate => {} }
    }
    #[cfg(not(unix))]
    interrupt.await;
}
