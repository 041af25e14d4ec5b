// Upload a file with fetch: node upload.mjs ADDRESS CLIENT FILE [NOTES], with BULK_IMPORT_TOKEN set.

import { openAsBlob } from "node:fs"
import { basename } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"

const LATER = [408, 429, 502, 503, 504]

function send(url, file, name, notes, key) {
  const form = new FormData()
  form.append("notes", notes)
  form.append("file", file, name) // once for each file
  const headers = { // no Content-Type: fetch sets it with the boundary
    Accept: "application/json",
    Authorization: `Bearer ${process.env.BULK_IMPORT_TOKEN}`,
    "Idempotency-Key": key,
  }
  // redirect: "error" keeps fetch from storing a copy of the body for a redirect.
  return fetch(url, { method: "POST", headers, body: form, redirect: "error" })
}

// Print the outcome of each project; throw if the response was cut off.
function report(status, text) {
  const answer = status === 207 || status === 409 ? JSON.parse(text) : {}
  const errors = status === 207 ? answer.details.errors : answer.errors
  if (!errors) {
    console.error(`refused with ${status}: ${text}`)
    return 2
  }
  if (status === 207 && answer.complete !== true) throw new Error("the response was cut off")
  for (const item of answer.details.successes ?? [])
    console.log(`${item.outcome} ${item.external_id} ${item.name}`)
  for (const item of errors)
    console.log(`failed ${item.external_id ?? item.file ?? "-"}, line ${item.line}: ${item.error}, ${item.message}`)
  console.log(answer.message)
  return errors.length ? 1 : 0
}

async function upload(url, path, notes) {
  const file = await openAsBlob(path) // reads the file while fetch sends it
  const key = crypto.randomUUID()
  let wait = 0
  for (const pause of [1, 2, 4, 8, 16, 32]) {
    await sleep(wait * 1000)
    wait = pause
    try {
      const response = await send(url, file, basename(path), notes, key)
      const text = await response.text()
      const later = response.headers.get("Retry-After")
      if (later === null && !LATER.includes(response.status)) return report(response.status, text)
      console.error(`${response.status} ${text}`)
      wait = Number(later) || pause
    } catch (error) {
      console.error(`${error.cause ?? error}`)
    }
  }
  return 2
}

const [address, client, path, notes = ""] = process.argv.slice(2)
if (!path || !process.env.BULK_IMPORT_TOKEN) {
  console.error("usage: upload.mjs ADDRESS CLIENT FILE [NOTES], with the token in BULK_IMPORT_TOKEN")
  process.exit(2)
}
try {
  process.exitCode = await upload(`${address}/api/v2/clients/${client}/projects/bulk`, path, notes)
} catch (error) {
  console.error(`${path} cannot be read: ${error}`)
  process.exitCode = 2
}
