//! The custody log as a file: CSV or JSON Lines, streamed line by line.

use std::io;

use futures_util::{Stream, StreamExt as _, stream};

use super::api::show;
use crate::app::AppError;
use crate::app::log::{LogRow, csv};

/// Lines of comma-separated values, the first of which names the columns.
pub fn csv<S>(rows: S) -> impl Stream<Item = Result<String, AppError>> + Send
where
    S: Stream<Item = Result<LogRow, AppError>> + Send,
{
    stream::iter([Ok(csv::header())]).chain(rows.map(|row| row.map(|row| csv::line(&row))))
}

/// One JSON object a line.
pub fn json_lines<S>(rows: S) -> impl Stream<Item = Result<String, AppError>> + Send
where
    S: Stream<Item = Result<LogRow, AppError>> + Send,
{
    rows.map(|row| row.map(|row| bailee_wire::json::text(&show::event(&row)) + "\n"))
}

/// An export that failed in the middle: the connection is cut, so that nobody takes the part for the whole.
pub fn broken(error: &AppError) -> io::Error {
    tracing::error!(?error, "an export was cut short");
    io::Error::other("the export was cut short")
}
