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

// A page may give letters to its links and buttons: `data-key` names the one that does what its element does.
document.addEventListener("keydown", (event) => {
  if (event.key.length !== 1 || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (event.target.closest("input, textarea, select, [contenteditable]")) return;
  const wanted = [...document.querySelectorAll("[data-key]")].find((one) => one.dataset.key === event.key);
  if (!wanted) return;
  event.preventDefault();
  if (wanted.tagName === "DETAILS") {
    wanted.open = !wanted.open;
    wanted.querySelector("summary").focus();
  } else {
    wanted.focus();
    wanted.click();
  }
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

// On a narrow screen a table's rows stand below each other (app.css): each cell names its heading itself, and keeps its role.
const roles = { TABLE: "table", THEAD: "rowgroup", TBODY: "rowgroup", TFOOT: "rowgroup", TR: "row", TD: "cell" };
function label(part) {
  part.querySelectorAll("main table").forEach((table) => {
    const headings = [...table.querySelectorAll("thead th")].map((heading) => heading.textContent.trim());
    table.setAttribute("role", "table");
    table.querySelectorAll("thead, tbody, tfoot, tr, td, th").forEach((one) => {
      one.setAttribute("role", roles[one.tagName] || (one.scope === "row" ? "rowheader" : "columnheader"));
    });
    table.querySelectorAll("tbody tr, tfoot tr").forEach((row) => {
      let column = 0;
      [...row.cells].forEach((cell) => {
        if (cell.tagName === "TD" && headings[column] && row.cells.length > 1) cell.dataset.label = headings[column];
        column += cell.colSpan;
      });
    });
  });
}
document.addEventListener("DOMContentLoaded", () => label(document));
document.addEventListener("htmx:afterSettle", () => label(document));
