// What the pages do beyond plain HTML: keys, and focus after a part of the page was replaced. Everything works without it.
"use strict";

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    const search = document.getElementById("search");
    event.preventDefault();
    if (search) {
      search.focus();
      search.select();
    } else {
      document.querySelector("a.brand").click();
    }
  }
  if (event.key === "Escape" && event.target.id === "search") {
    event.target.value = "";
  }
  if (event.key === "Escape") {
    document.querySelectorAll("details.menu[open]").forEach((menu) => menu.removeAttribute("open"));
  }
});

document.addEventListener("click", (event) => {
  document.querySelectorAll("details.menu[open]").forEach((menu) => {
    if (!menu.contains(event.target)) menu.removeAttribute("open");
  });
});

// A ticket is asked for only when a ticket is the reason.
document.addEventListener("input", (event) => {
  if (event.target.name === "ticket" && event.target.value) {
    const choice = event.target.form.querySelector('input[name="channel"][value="ticket"]');
    if (choice) choice.checked = true;
  }
});

// A replaced part that says where attention belongs gets it, so that keyboard and screen reader follow.
document.addEventListener("htmx:afterSettle", (event) => {
  const wanted = event.target.querySelector("[data-focus]");
  if (wanted) wanted.focus();
});
