//! A relay on tokio as its documentation suggests: one broadcast channel, and two tasks a client.
//!
//!     tokio-relay PORT
//!
//! Built from Debian's librust-tokio-dev, without a network:
//!
//!     cargo build --release --offline --config 'source.crates-io.replace-with="debian"' \
//!         --config 'source.debian.directory="/usr/share/cargo/registry"'

use std::sync::Arc;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, BufWriter};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::TcpListener;
use tokio::sync::broadcast::{self, error::RecvError, Receiver, Sender};

#[derive(Clone)]
struct Line {
    sender: u64,
    bytes: Arc<[u8]>,
}

/// Lines that wait for the slowest client. Past this many tokio's channel skips, and the line below says so.
const CAPACITY: usize = 1 << 16;

async fn read(id: u64, stream: OwnedReadHalf, lines: Sender<Line>) -> std::io::Result<()> {
    let mut input = BufReader::new(stream);
    let mut line = Vec::new();
    while input.read_until(b'\n', &mut line).await? > 0 {
        if line.last() != Some(&b'\n') {
            line.push(b'\n'); // the end of input came first
        }
        // An error means that nobody listens.
        let _ = lines.send(Line {
            sender: id,
            bytes: line.as_slice().into(),
        });
        line.clear();
    }
    Ok(())
}

async fn write(id: u64, stream: OwnedWriteHalf, mut lines: Receiver<Line>) -> std::io::Result<()> {
    let mut output = BufWriter::new(stream);
    loop {
        match lines.recv().await {
            Ok(line) if line.sender != id => output.write_all(&line.bytes).await?,
            Ok(_) => {}
            Err(RecvError::Lagged(count)) => eprintln!("client {id} missed {count} lines"),
            Err(RecvError::Closed) => return Ok(()),
        }
        // Flushed when nothing more waits, so that a burst leaves in few writes.
        if lines.is_empty() {
            output.flush().await?;
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let port = std::env::args().nth(1).expect("usage: tokio-relay PORT");
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    let (lines, _) = broadcast::channel(CAPACITY);
    eprintln!("listening on {port}");
    for id in 0.. {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (input, output) = stream.into_split();
        let writer = tokio::spawn(write(id, output, lines.subscribe()));
        let lines = lines.clone();
        tokio::spawn(async move {
            // However the input ends, the client is gone.
            let _ = read(id, input, lines).await;
            writer.abort();
        });
    }
    Ok(())
}
