// What pages do beyond htmx: copying, moving through tables with the arrow keys, and the key for the search.
"use strict";

const announce = (text) => {
  const toast = document.querySelector("[data-toast]");
  if (!toast) return;
  toast.textContent = text;
  toast.classList.add("shown");
  window.clearTimeout(announce.timer);
  announce.timer = window.setTimeout(() => toast.classList.remove("shown"), 1600);
};

const copyText = async (text) => {
  try {
    await navigator.clipboard.writeText(text);
    announce("Copied");
  } catch {
    // Only secure pages may copy: the text is selected in a prompt instead.
    window.prompt("Copy this:", text);
  }
};

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) copyText(button.dataset.copy);
});

// In a grid, arrows go from cell to cell; in a list, up and down go from row to row.
const step = (link, key) => {
  const cell = link.closest("td, th");
  const row = cell?.closest("tr");
  const table = row?.closest("table[data-grid], table[data-rows]");
  if (!table) return null;
  const rows = [...table.querySelectorAll("tr")];
  const down = { ArrowDown: 1, ArrowUp: -1 }[key];
  if (down) {
    for (let at = rows.indexOf(row) + down; at >= 0 && at < rows.length; at += down) {
      const found = rows[at].cells[cell.cellIndex]?.querySelector("a");
      if (found) return found;
    }
    return null;
  }
  if (!table.matches("[data-grid]")) return null;
  const right = { ArrowRight: 1, ArrowLeft: -1 }[key];
  for (let at = cell.cellIndex + right; at >= 0 && at < row.cells.length; at += right) {
    const found = row.cells[at].querySelector("a");
    if (found) return found;
  }
  return null;
};

document.addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  const inField = event.target.closest("input, textarea, select");
  if (event.key === "/" && !inField) {
    const search = document.querySelector("[data-search]");
    if (search) {
      event.preventDefault();
      search.focus();
    }
    return;
  }
  if (event.key.startsWith("Arrow") && event.target.matches("a")) {
    const next = step(event.target, event.key);
    if (next) {
      event.preventDefault();
      next.focus();
    }
  }
});

// A wide picture begins at what it is about, a grid at its newest run.
const show = (inside, element) => {
  const box = inside.getBoundingClientRect();
  const at = element.getBoundingClientRect();
  inside.scrollLeft += at.left - box.left - (box.width - at.width) / 2;
};

document.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll("[data-centre]").forEach((picture) => {
    const subject = picture.querySelector(".subject");
    if (subject) show(picture, subject);
  });
  document.querySelectorAll("table[data-grid]").forEach((grid) => {
    const box = grid.parentElement;
    box.scrollLeft = box.scrollWidth;
  });
});
