// What a served page does besides: it is told of every change of its run, says how far the run is, and comes again when nobody is in
// the middle of something. What was chosen on it goes along with the tab's history, and is kept nowhere else.
'use strict';
(() => {
  const EVERY = 2000;
  const root = document.documentElement;
  const shown = Number(root.dataset.version);
  const status = document.getElementById('live');
  const dialog = document.querySelector('dialog');
  const fields = (within) => [...within.querySelectorAll('input, select')];
  const grids = () => [...document.querySelectorAll('.trial-grid')];
  const openable = () => [...document.querySelectorAll('details')];
  const began = Date.now();
  let newest = shown;
  let waits = false;

  const kept = (history.state && history.state.kept) || {};

  /** What is chosen above a grid; of one that nobody has come near to, what was chosen before. */
  function chosen(grid, place) {
    const values = fields(grid).map((field) => field.value);
    return values.length ? values : (kept.grids && kept.grids[place]) || [];
  }

  function keep() {
    const state = {
      theme: root.dataset.theme,
      grids: grids().map(chosen),
      open: openable().map((one) => one.open),
      place: [scrollX, scrollY],
    };
    history.replaceState({ kept: state }, '');
  }

  /** Chooses again above a grid what was chosen there. */
  function choose(grid) {
    const values = (kept.grids && kept.grids[grids().indexOf(grid)]) || [];
    fields(grid).forEach((field, place) => {
      if (values[place] === undefined || values[place] === field.value) return;
      field.value = values[place];
      field.dispatchEvent(new Event(field.tagName === 'SELECT' ? 'change' : 'input'));
    });
  }

  function restore() {
    document.addEventListener('filled', (event) => choose(event.target));
    if (kept.theme) root.dataset.theme = kept.theme;
    openable().forEach((one, place) => { if (kept.open && kept.open[place] !== undefined) one.open = kept.open[place]; });
    if (kept.place) scrollTo(...kept.place);
  }

  /** Whether coming again would take something out of somebody's hands. */
  const isBusy = () => (dialog && dialog.open) || fields(document).includes(document.activeElement);

  function again() {
    if (newest === shown) return;
    const left = began + EVERY - Date.now();
    if (left > 0 || isBusy()) {
      if (!waits) {
        waits = true;
        setTimeout(() => { waits = false; again(); }, Math.max(left, 250));
      }
      return;
    }
    keep();
    location.reload();
  }

  restore();
  const changes = new EventSource('changes');
  changes.addEventListener('changed', (event) => {
    const change = JSON.parse(event.data);
    newest = change.version;
    const how = change.is_over ? 'the run is over' : 'the run goes on';
    status.textContent = `${change.finished} of ${change.planned} trials have finished; ${how}.`;
    again();
  });
  changes.addEventListener('error', () => {
    status.textContent = 'The server does not answer; this page may be old.';
  });
})();
