//! `[[gateways]]`: their shape, down to fees and rules.

use config::{Map, Value, ValueKind};

/// Whether it is a list of gateways; what is wrong, if not.
pub fn check(value: &Value) -> Result<(), String> {
    const MEMBERS: [&str; 8] = [
        "name",
        "methods",
        "capacity_per_s",
        "fee",
        "accepts",
        "refuses",
        "share_min",
        "liability",
    ];
    const FEE: [&str; 5] = ["method", "from_minor", "fixed_minor", "currency", "bps"];
    let list =
        value.clone().into_array().map_err(|_| "allowed: [[gateways]] tables".to_string())?;
    for (at, gateway) in list.into_iter().enumerate() {
        let at = at + 1;
        let table = gateway.into_table().map_err(|_| format!("gateway {at}: allowed: a table"))?;
        only(&table, &MEMBERS).map_err(|why| format!("gateway {at}: {why}"))?;
        let named = table
            .get("name")
            .is_some_and(|n| matches!(&n.kind, ValueKind::String(s) if !s.is_empty()));
        if !named {
            return Err(format!("gateway {at}: a name is needed"));
        }
        for name in ["share_min", "liability"] {
            if let Some(share) = table.get(name)
                && !share.clone().into_float().is_ok_and(|share| (0.0..=1.0).contains(&share))
            {
                return Err(format!("gateway {at}: {name}: allowed: a share from 0 to 1"));
            }
        }
        for name in ["accepts", "refuses"] {
            if let Some(list) = table.get(name) {
                rules(list).map_err(|why| format!("gateway {at}: {name}{why}"))?;
            }
        }
        if let Some(fees) = table.get("fee") {
            let fees = fees
                .clone()
                .into_array()
                .map_err(|_| format!("gateway {at}: fee is a list of tables"))?;
            for fee in fees {
                let fee = fee
                    .into_table()
                    .map_err(|_| format!("gateway {at}: fee is a list of tables"))?;
                only(&fee, &FEE).map_err(|why| format!("gateway {at}: fee: {why}"))?;
                let currency =
                    fee.get("currency").map(|c| c.clone().into_string().unwrap_or_default());
                if currency.is_some_and(|c| payments::Currency::parse(&c).is_none()) {
                    return Err(format!("gateway {at}: fee: currency is no ISO 4217 code"));
                }
            }
        }
    }
    Ok(())
}

/// Whether a table has no members but these.
fn only(table: &Map<String, Value>, members: &[&str]) -> Result<(), String> {
    match table.keys().find(|key| !members.contains(&key.as_str())) {
        Some(unknown) => {
            let unknown = crate::read::visible(unknown);
            Err(format!("`{unknown}` is none of {}", members.join(", ")))
        }
        None => Ok(()),
    }
}

fn rules(value: &Value) -> Result<(), String> {
    let list = value.clone().into_array().map_err(|_| ": allowed: a list of rules".to_string())?;
    for (at, rule) in list.into_iter().enumerate() {
        if !matches!(rule.kind, ValueKind::Table(_)) {
            return Err(format!(
                "[{at}]: allowed: a table of conditions, such as {{ method = [\"card\"] }}"
            ));
        }
        let rule: routing::Rule = rule
            .try_deserialize()
            .map_err(|why| format!("[{at}]: {}", payments::excerpt(&why.to_string())))?;
        if let Some((key, why)) = rule.wrong() {
            let dot = if key.is_empty() { "" } else { "." };
            return Err(format!("[{at}]{dot}{key}: {why}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(toml: &str) -> String {
        let built = config::Config::builder()
            .add_source(config::File::from_str(toml, config::FileFormat::Toml))
            .build()
            .expect("TOML");
        check(&built.get::<Value>("gateways").expect("gateways")).err().unwrap_or_default()
    }

    #[test]
    fn rules_are_checked_and_said_where() {
        let good = r#"
            [[gateways]]
            name = "payu"
            accepts = [{ method = ["card"], currency = ["INR"], amount_max = 500000 }]
            refuses = [{ bin = ["411111", "52"] }, { country = ["IR"], merchant = ["m_7"] }]
            share_min = 0.1
            liability = 0.0
        "#;
        assert_eq!(said(good), "");
        let of = |line: &str| said(&format!("[[gateways]]\nname = \"payu\"\n{line}"));
        assert_eq!(
            of("accepts = [{}]"),
            "gateway 1: accepts[0]: has no condition and would hold of every payment"
        );
        assert_eq!(
            of("refuses = [{ bin = [\"4x\"] }]"),
            "gateway 1: refuses[0].bin: `4x` is no beginning of a card number; want 1 to 8 digits"
        );
        assert_eq!(of("share_min = 2"), "gateway 1: share_min: allowed: a share from 0 to 1");
        assert!(of("accepts = [{ currency = [\"ZZZ\"] }]").starts_with("gateway 1: accepts[0]: "));
        assert!(of("accepts = [{ colour = [\"red\"] }]").contains("unknown field"));
    }
}
