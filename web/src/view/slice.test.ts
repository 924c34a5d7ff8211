import { expect, test } from "vitest";

import { asText, fromText, gatewayNames, inWords, touches } from "./slice";

test("a slice survives the address", () => {
  for (const slice of [{ gateway: "payu" }, { gateway: "payu", issuer: "HDFC" }, { merchant_id: "m:1", sub_type: "UPI" }]) {
    expect(fromText(asText(slice))).toEqual(slice);
  }
});

test("what is no slice is none", () => {
  for (const text of ["", "gateway", ":x", "gateway:", "gateway:a,"]) expect(fromText(text)).toBeNull();
});

test("words come in one order, whatever the object's", () => {
  expect(inWords({ issuer: "HDFC", gateway: "payu" })).toBe("gateway payu, issuer HDFC");
  expect(inWords({})).toBe("all traffic");
  expect(inWords({ merchant_id: "__none__" })).toBe("merchant none given");
});

test("slices touch unless a value differs, both ways", () => {
  const a = { gateway: "payu" };
  for (const [b, is] of [[{ issuer: "HDFC" }, true], [{ gateway: "payu", issuer: "HDFC" }, true], [{ gateway: "adyen" }, false], [{}, true]] as const) {
    expect(touches(a, b)).toBe(is);
    expect(touches(b, a)).toBe(is);
  }
});

test("a gateway without traffic is named as long as anything names it", () => {
  expect(gatewayNames([{ gateway: "b" }, { issuer: "X" }, { gateway: "a" }, { gateway: "b" }, { gateway: "__other__" }])).toEqual(["a", "b"]);
});
