//! The five kinds of value both engines share, and rows made of them.

use std::sync::Arc;

use super::StoreError;

/// One parameter or one column of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// SQL `NULL`.
    Null,
    /// Every integer; booleans are stored as 0 and 1.
    Int(i64),
    /// A double.
    Float(f64),
    /// UTF-8 text.
    Text(String),
    /// Bytes.
    Blob(Vec<u8>),
}

impl Value {
    /// What kind of value this is, for messages that must not show the value.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "NULL",
            Self::Int(_) => "an integer",
            Self::Float(_) => "a double",
            Self::Text(_) => "text",
            Self::Blob(_) => "bytes",
        }
    }
}

/// The parameters of a statement: `params![org, 7, None::<f64>]` is `&[Value]`.
#[macro_export]
macro_rules! params {
    ($($value:expr),* $(,)?) => {
        &[$($crate::store::Value::from($value)),*] as &[$crate::store::Value]
    };
}

macro_rules! value_from {
    ($($kind:ty => |$it:ident| $made:expr;)*) => {$(
        impl From<$kind> for Value {
            fn from($it: $kind) -> Self {
                $made
            }
        }
    )*};
}

value_from! {
    i64 => |it| Self::Int(it);
    i32 => |it| Self::Int(it.into());
    u32 => |it| Self::Int(it.into());
    u16 => |it| Self::Int(it.into());
    u8 => |it| Self::Int(it.into());
    bool => |it| Self::Int(it.into());
    f64 => |it| Self::Float(it);
    String => |it| Self::Text(it);
    &String => |it| Self::Text(it.clone());
    &str => |it| Self::Text(it.to_owned());
    Vec<u8> => |it| Self::Blob(it);
    &Vec<u8> => |it| Self::Blob(it.clone());
    &[u8] => |it| Self::Blob(it.to_vec());
}

impl<const N: usize> From<[u8; N]> for Value {
    fn from(it: [u8; N]) -> Self {
        Self::Blob(it.to_vec())
    }
}

impl<const N: usize> From<&[u8; N]> for Value {
    fn from(it: &[u8; N]) -> Self {
        Self::Blob(it.to_vec())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(it: Option<T>) -> Self {
        it.map_or(Self::Null, Into::into)
    }
}

/// A type a column can be read as; the column must hold exactly that kind.
pub trait FromValue: Sized {
    /// The value read, or `None` when it is of another kind or out of range.
    fn from_value(value: &Value) -> Option<Self>;
}

macro_rules! from_value {
    ($($kind:ty: $pattern:pat => $made:expr;)*) => {$(
        impl FromValue for $kind {
            fn from_value(value: &Value) -> Option<Self> {
                match value {
                    $pattern => $made,
                    _ => None,
                }
            }
        }
    )*};
}

from_value! {
    i64: Value::Int(it) => Some(*it);
    i32: Value::Int(it) => (*it).try_into().ok();
    u64: Value::Int(it) => (*it).try_into().ok();
    u32: Value::Int(it) => (*it).try_into().ok();
    u16: Value::Int(it) => (*it).try_into().ok();
    u8: Value::Int(it) => (*it).try_into().ok();
    bool: Value::Int(it @ (0 | 1)) => Some(*it == 1);
    f64: Value::Float(it) => Some(*it);
    String: Value::Text(it) => Some(it.clone());
    Vec<u8>: Value::Blob(it) => Some(it.clone());
}

impl<const N: usize> FromValue for [u8; N] {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Blob(it) => it.as_slice().try_into().ok(),
            _ => None,
        }
    }
}

impl FromValue for Value {
    fn from_value(value: &Value) -> Option<Self> {
        Some(value.clone())
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            other => T::from_value(other).map(Some),
        }
    }
}

/// One row of a result.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    names: Arc<[String]>,
    values: Vec<Value>,
}

impl Row {
    pub(crate) fn new(names: Arc<[String]>, values: Vec<Value>) -> Self {
        Self { names, values }
    }

    /// Reads a column, named by its position from 0 or by its name.
    ///
    /// # Errors
    /// [`StoreError::Other`] naming the column when it is absent or holds another kind of value.
    pub fn get<T: FromValue>(&self, column: impl Column) -> Result<T, StoreError> {
        let at = column
            .position(&self.names)
            .filter(|at| *at < self.values.len())
            .ok_or_else(|| StoreError::other(format!("no column {}", column.describe())))?;
        T::from_value(&self.values[at]).ok_or_else(|| {
            let wanted = std::any::type_name::<T>();
            StoreError::other(format!("column {} is not a {wanted}", column.describe()))
        })
    }
}

/// A way to name a column of a [`Row`].
pub trait Column: Copy {
    /// Position from 0 among the columns of these names.
    fn position(self, names: &[String]) -> Option<usize>;
    /// The column as an error message names it.
    fn describe(self) -> String;
}

impl Column for usize {
    fn position(self, _: &[String]) -> Option<usize> {
        Some(self)
    }
    fn describe(self) -> String {
        self.to_string()
    }
}

impl Column for &str {
    fn position(self, names: &[String]) -> Option<usize> {
        names.iter().position(|name| name == self)
    }
    fn describe(self) -> String {
        self.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_read_as_what_it_holds_and_nothing_else() {
        let names: Arc<[String]> = ["n", "gone"].map(String::from).into();
        let row = Row::new(names, vec![Value::Int(300), Value::Null]);
        assert_eq!(row.get::<i64>("n").unwrap(), 300);
        assert_eq!(row.get::<u16>(0).unwrap(), 300);
        assert_eq!(row.get::<Option<String>>("gone").unwrap(), None);
        for refused in [row.get::<u8>("n").err(), row.get::<u8>("gone").err(), row.get::<u8>("x").err()] {
            assert!(matches!(refused, Some(StoreError::Other(_))));
        }
        assert!(row.get::<bool>(0).is_err() && row.get::<bool>(2).is_err());
    }
}
