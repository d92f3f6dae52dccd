// Passkeys on the keeper's pages: fetch options, let the authenticator sign, hand the answer back. Nothing else.
"use strict";

const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

async function post(path, body) {
  const csrf = document.querySelector('meta[name="csrf"]').content;
  const answer = await fetch(path, { method: "POST", headers: { "Content-Type": "application/json", "x-csrftoken": csrf }, body: JSON.stringify(body) });
  const parsed = await answer.json();
  if (!answer.ok) throw new Error(parsed.detail || answer.statusText);
  return parsed;
}

function packed(credential) {
  const response = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"])
    if (credential.response[name]) response[name] = text(credential.response[name]);
  return { id: credential.id, rawId: text(credential.rawId), type: credential.type, response };
}

async function approve(button) {
  const options = await post(`${button.dataset.at}/options`, {});
  // what is signed is the digest that this page showed, whatever the options say
  const challenge = Uint8Array.from(button.dataset.digest.match(/../g), (pair) => parseInt(pair, 16));
  const allowCredentials = options.allowCredentials.map((held) => ({ ...held, id: bytes(held.id) }));
  const credential = await navigator.credentials.get({ publicKey: { ...options, challenge, allowCredentials } });
  await post(`${button.dataset.at}/approve`, { digest: button.dataset.digest, credential: packed(credential) });
}

async function register(form) {
  const options = await post("/passkeys/options", { ticket: form.elements.ticket.value.trim() });
  const excludeCredentials = (options.excludeCredentials || []).map((held) => ({ ...held, id: bytes(held.id) }));
  const user = { ...options.user, id: bytes(options.user.id) };
  const credential = await navigator.credentials.create({ publicKey: { ...options, user, excludeCredentials, challenge: bytes(options.challenge) } });
  await post("/passkeys/register", { credential: packed(credential) });
}

async function logIn(form) {
  const options = await post("/login/passkey/options", {});
  const credential = await navigator.credentials.get({ publicKey: { ...options, allowCredentials: [], challenge: bytes(options.challenge) } });
  const back = Object.fromEntries(new FormData(form));
  return (await post("/login/passkey", { ...back, credential: packed(credential) })).to;
}

async function attempt(action, control) {
  const message = document.getElementById("message");
  message.className = "";
  message.textContent = message.dataset.working;
  control.disabled = true;
  try {
    const to = await action();
    message.textContent = message.dataset.done;
    if (to) location.assign(to); else location.reload();
  } catch (error) {
    message.className = "fault";
    message.textContent = error instanceof DOMException ? message.dataset.refused : error.message;
    control.disabled = false;
  }
}

const button = document.getElementById("approve");
if (button) button.addEventListener("click", () => attempt(() => approve(button), button));
const form = document.getElementById("register");
if (form) form.addEventListener("submit", (event) => { event.preventDefault(); attempt(() => register(form), form.querySelector("button")); });
const passkey = document.getElementById("passkey");
if (passkey) passkey.addEventListener("submit", (event) => { event.preventDefault(); attempt(() => logIn(passkey), passkey.querySelector("button")); });
