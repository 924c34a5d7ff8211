-- Each request is a new payment, of one of many merchants and banks, by card or UPI.
wrk.method = "POST"
wrk.headers["content-type"] = "application/json"
wrk.headers["authorization"] = "Bearer " .. os.getenv("POINTSMAN_TOKEN")

local issuers = { "HDFC", "ICICI", "SBI", "AXIS", "KOTAK", "PNB", "YES" }
local networks = { "VISA", "MASTERCARD", "RUPAY" }
local started = os.time()
local asked = 0

request = function()
  asked = asked + 1
  local body = string.format(
    '{"payment_id":"pay_%d_%d","merchant_id":"mer_%d","amount":{"minor":%d,"currency":"INR"},"method":"card","network":"%s","issuer":"%s","country":"IN","bin":"411111","mcc":"5411","attempt_number":1}',
    started, asked, asked % 97, 100 + asked % 90000, networks[1 + asked % 3], issuers[1 + asked % 7])
  return wrk.format(nil, nil, nil, body)
end

done = function(summary, latency)
  local e = summary.errors
  io.write(string.format(
    'told {"answers":%d,"refused":%d,"broken":%d,"seconds":%f,"p50_us":%f,"p99_us":%f}\n',
    summary.requests, e.status, e.connect + e.read + e.write + e.timeout, summary.duration / 1e6,
    latency:percentile(50), latency:percentile(99)))
end
