//! Values in PostgreSQL's binary format (PostgreSQL manual, "Frontend/Backend Protocol", and `numeric_send`).
//!
//! The server says what type each parameter has, so a NULL needs none of its own.

use std::error::Error;

use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, private::BytesMut, to_sql_checked};

use crate::store::Value;

type Boxed = Box<dyn Error + Sync + Send>;

impl ToSql for Value {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Boxed> {
        match (self, kind) {
            (Self::Null, _) => Ok(IsNull::Yes),
            (Self::Int(it), &Type::INT8) => it.to_sql(kind, out),
            (Self::Int(it), &Type::INT4) => i32::try_from(*it)?.to_sql(kind, out),
            (Self::Int(it), &Type::INT2) => i16::try_from(*it)?.to_sql(kind, out),
            (Self::Int(it @ (0 | 1)), &Type::BOOL) => (*it == 1).to_sql(kind, out),
            (Self::Float(it), &Type::FLOAT8) => it.to_sql(kind, out),
            (Self::Text(it), &Type::TEXT | &Type::VARCHAR | &Type::NAME | &Type::UNKNOWN) => {
                it.to_sql(kind, out)
            }
            (Self::Blob(it), &Type::BYTEA) => it.to_sql(kind, out),
            (other, kind) => Err(format!("{} given where {kind} is used", other.kind()).into()),
        }
    }

    fn accepts(_: &Type) -> bool {
        true // decided with the value in hand
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Value {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Result<Self, Boxed> {
        Ok(match *kind {
            Type::INT8 => Self::Int(i64::from_sql(kind, raw)?),
            Type::INT4 => Self::Int(i32::from_sql(kind, raw)?.into()),
            Type::INT2 => Self::Int(i16::from_sql(kind, raw)?.into()),
            Type::BOOL => Self::Int(bool::from_sql(kind, raw)?.into()),
            Type::FLOAT8 => Self::Float(f64::from_sql(kind, raw)?),
            Type::FLOAT4 => Self::Float(f32::from_sql(kind, raw)?.into()),
            Type::TEXT | Type::VARCHAR | Type::NAME | Type::UNKNOWN => {
                Self::Text(String::from_sql(kind, raw)?)
            }
            Type::BYTEA => Self::Blob(raw.to_vec()),
            Type::NUMERIC => numeric(raw).ok_or("a number too large or not finite")?,
            Type::VOID => Self::Null,
            _ => return Err(format!("columns of type {kind} are not used here").into()),
        })
    }

    fn from_sql_null(_: &Type) -> Result<Self, Boxed> {
        Ok(Self::Null)
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// A NUMERIC, which is what `SUM` over integers gives: an integer when it has no decimals, else a double.
fn numeric(raw: &[u8]) -> Option<Value> {
    let mut words = raw.chunks_exact(2).map(|word| u16::from_be_bytes([word[0], word[1]]));
    let digits = words.next()?;
    let weight = words.next()?.cast_signed();
    let negative = match words.next()? {
        0x0000 => false,
        0x4000 => true,
        _ => return None,
    };
    let decimals = words.next()?;
    let groups: Vec<u16> = words.collect();
    if groups.len() != usize::from(digits) {
        return None;
    }
    if decimals > 0 {
        let parts = groups.iter().zip((0..).map(|at| i32::from(weight) - at));
        let whole: f64 = parts.map(|(group, power)| f64::from(*group) * 10_000_f64.powi(power)).sum();
        return Some(Value::Float(if negative { -whole } else { whole }));
    }
    let mut whole: i128 = 0;
    for at in 0..=usize::try_from(weight).ok().unwrap_or(0) {
        let group = groups.get(at).copied().unwrap_or(0);
        whole = whole.checked_mul(10_000)?.checked_add(group.into())?;
    }
    i64::try_from(if negative { -whole } else { whole }).ok().map(Value::Int)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(words: &[u16], wanted: Option<&Value>) {
        let raw: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
        assert_eq!(numeric(&raw).as_ref(), wanted);
    }

    #[test]
    fn numeric_becomes_integer_or_double() {
        check(&[0, 0, 0, 0], Some(&Value::Int(0)));
        check(&[1, 0, 0, 0, 42], Some(&Value::Int(42)));
        check(&[1, 1, 0x4000, 0, 3], Some(&Value::Int(-30_000)));
        check(&[2, 1, 0, 0, 1, 2], Some(&Value::Int(10_002)));
        check(&[5, 4, 0, 0, 922, 3372, 368, 5477, 5807], Some(&Value::Int(i64::MAX)));
        check(&[5, 4, 0, 0, 922, 3372, 368, 5477, 5808], None);
        check(&[2, 0, 0, 1, 2, 5_000], Some(&Value::Float(2.5)));
        check(&[0, 0, 0xC000, 0], None);
        check(&[3, 0, 0, 0, 1], None);
        check(&[1], None);
    }
}
