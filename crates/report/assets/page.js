// The page's script: theme, grids of trials, and the dialog of one trial. It writes text with textContent alone, asks for nothing over
// the network and keeps nothing anywhere.
'use strict';
(() => {
  const ROWS = 25;
  const LONGEST = 2000;
  const index = JSON.parse(document.getElementById('index').textContent);
  const states = new Map(index.states);
  const signs = { x: '×', '-': '–' };

  /** Makes an element with attributes and children; texts become text nodes. */
  function make(name, attributes, ...children) {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) {
      if (value === true) element.setAttribute(key, '');
      else if (value !== false && value !== undefined) element.setAttribute(key, value);
    }
    element.append(...children.filter((child) => child !== undefined && child !== null));
    return element;
  }

  // --- Theme: the system's until the button says otherwise; kept nowhere.
  const theme = document.getElementById('theme');
  const isDark = () => {
    const chosen = document.documentElement.dataset.theme;
    return chosen ? chosen === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  };
  const nameTheme = () => { theme.textContent = isDark() ? 'Light theme' : 'Dark theme'; };
  theme.hidden = false;
  nameTheme();
  theme.addEventListener('click', () => {
    document.documentElement.dataset.theme = isDark() ? 'light' : 'dark';
    nameTheme();
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', nameTheme);

  // --- Trials by name.
  const cardOf = (trial) => index.runs[trial.run].cards[trial.card];
  const nameOf = (trial) => {
    const card = cardOf(trial);
    return `${index.runs[trial.run].tasks[trial.task]}~${card.agent}~${card.condition}~${trial.number}`;
  };
  const hashOf = (trial) => `#trial=${trial.run}:${nameOf(trial)}`;

  /** Returns the trial that an address names, or null. */
  function trialOf(hash) {
    const found = /^#trial=(\d+):([^~]+)~([^~]+)~([^~]+)~(\d+)$/.exec(hash);
    if (!found) return null;
    const run = Number(found[1]);
    if (!index.runs[run]) return null;
    const task = index.runs[run].tasks.indexOf(found[2]);
    const card = index.runs[run].cards.findIndex((one) => one.agent === found[3] && one.condition === found[4]);
    return task < 0 || card < 0 ? null : { run, task, card, number: Number(found[5]) };
  }

  function letterOf(trial) {
    const row = cardOf(trial).rows.find((one) => one[0] === trial.task);
    return (row && row[1][trial.number - 1]) || '-';
  }

  // --- The grid of one scorecard.
  const count = (letters, wanted) => [...letters].filter((letter) => wanted.includes(letter)).length;
  const kept = {
    all: () => true,
    mixed: (letters) => letters.includes('P') && /[FI]/.test(letters),
    failed: (letters) => /[FI]/.test(letters),
    invisible: (letters) => letters.includes('I'),
    excluded: (letters) => /[x-]/.test(letters),
  };
  const share = (letters) => {
    const graded = count(letters, 'PFI');
    return graded ? count(letters, 'P') / graded : -1;
  };
  const orders = {
    name: () => 0,
    worst: (a, b) => share(a[1]) - share(b[1]),
    best: (a, b) => share(b[1]) - share(a[1]),
    mixed: (a, b) => Math.abs(share(a[1]) - 0.5) - Math.abs(share(b[1]) - 0.5),
  };

  function choice(label, options) {
    const select = make('select', {}, ...options.map(([value, text]) => make('option', { value }, text)));
    return [make('label', {}, label + ' ', select), select];
  }

  class Grid {
    constructor(place) {
      this.run = Number(place.dataset.run);
      this.place = Number(place.dataset.card);
      this.rows = index.runs[this.run].cards[this.place].rows;
      this.page = 0;
      this.filter = make('input', { type: 'search', autocomplete: 'off', spellcheck: 'false' });
      const [stateLabel, state] = choice('Show', [
        ['all', 'all tasks'], ['mixed', 'with passed and failed trials'], ['failed', 'with failures'],
        ['invisible', 'with invisible failures'], ['excluded', 'with trials that do not count'],
      ]);
      const [orderLabel, order] = choice('Sort by', [
        ['name', 'name'], ['worst', 'share passed, lowest first'], ['best', 'share passed, highest first'],
        ['mixed', 'nearest to half passed'],
      ]);
      this.state = state;
      this.order = order;
      this.status = make('p', { role: 'status', class: 'status' });
      this.before = make('button', { type: 'button' }, 'Previous tasks');
      this.after = make('button', { type: 'button' }, 'Next tasks');
      this.body = make('tbody');
      const head = make('thead', {}, make('tr', {},
        make('th', { scope: 'col' }, 'Task'), make('th', { scope: 'col' }, 'Trials'),
        make('th', { scope: 'col' }, 'Passed'), make('th', { scope: 'col' }, 'Consistency')));
      this.table = make('table', { class: 'grid' },
        make('caption', {}, `Outcomes of every trial of ${place.dataset.title}`), head, this.body);
      place.append(
        make('div', { class: 'controls', role: 'search', 'aria-label': `Tasks of ${place.dataset.title}` },
          make('label', {}, 'Filter tasks or trials ', this.filter), stateLabel, orderLabel),
        this.status,
        make('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': `Trials of ${place.dataset.title}` }, this.table),
        make('div', { class: 'pager' }, this.before, this.after));
      const again = () => { this.page = 0; this.show(); };
      this.filter.addEventListener('input', again);
      state.addEventListener('change', again);
      order.addEventListener('change', again);
      this.before.addEventListener('click', () => { this.page -= 1; this.show(); });
      this.after.addEventListener('click', () => { this.page += 1; this.show(); });
      this.body.addEventListener('keydown', (event) => this.move(event));
      this.body.addEventListener('click', (event) => {
        const cell = event.target.closest('button');
        if (cell) open(trialOf(cell.dataset.trial), cell);
      });
      this.show();
    }

    /** Tasks by parts of their names; `#3` or a whole trial's name keeps the trial of this number alone. */
    wanted() {
      const text = this.filter.value.trim().toLowerCase();
      const whole = text.split('~');
      const words = (whole.length > 1 ? [whole[0]] : text.split(/\s+/)).filter((word) => word && word[0] !== '#');
      const number = /#(\d+)/.exec(text) || /^[^~]+~[^~]+~[^~]+~(\d+)$/.exec(text);
      const names = index.runs[this.run].tasks;
      const rows = this.rows.filter((row) => {
        const name = names[row[0]].toLowerCase();
        return words.every((word) => name.includes(word)) && kept[this.state.value](row[1]);
      });
      rows.sort((a, b) => orders[this.order.value](a, b) || a[0] - b[0]);
      return [rows, number ? Number(number[1]) : 0];
    }

    show() {
      const [rows, number] = this.wanted();
      const pages = Math.max(1, Math.ceil(rows.length / ROWS));
      this.page = Math.min(Math.max(0, this.page), pages - 1);
      const first = this.page * ROWS;
      const shown = rows.slice(first, first + ROWS);
      this.body.replaceChildren(...shown.map((row) => this.row(row, number)));
      const cell = this.body.querySelector('button');
      if (cell) cell.tabIndex = 0;
      this.status.textContent = rows.length === 0 ? (this.rows.length ? 'No task is left.' : 'No outcome is recorded.')
        : `Tasks ${first + 1} to ${first + shown.length} of ${rows.length.toLocaleString('en')}`;
      this.before.disabled = this.page === 0;
      this.after.disabled = this.page >= pages - 1;
      this.before.parentNode.hidden = pages === 1;
    }

    row([task, letters, consistency], number) {
      const name = index.runs[this.run].tasks[task];
      const cells = [...letters].map((letter, place) => {
        if (number && number !== place + 1) return null;
        const trial = { run: this.run, card: this.place, task, number: place + 1 };
        return make('button', {
          type: 'button', tabindex: '-1', class: 'state', 'data-state': letter, 'data-trial': hashOf(trial),
          'aria-label': `${name}, trial ${place + 1}: ${states.get(letter)}`,
          title: `trial ${place + 1}: ${states.get(letter)}`,
        }, signs[letter] || letter);
      });
      const graded = count(letters, 'PFI');
      return make('tr', {},
        make('th', { scope: 'row' }, name),
        make('td', {}, make('div', { class: 'cells', role: 'group', 'aria-label': `Trials of ${name}` }, ...cells)),
        make('td', { class: 'number' }, `${count(letters, 'P')} of ${graded}`),
        make('td', { class: 'number' }, consistency));
    }

    /** Arrow keys move between cells; only the cell that was last reached is a stop of the Tab key. */
    move(event) {
      const from = event.target.closest('button');
      if (!from) return;
      const rows = [...this.body.rows].map((row) => [...row.querySelectorAll('button')]);
      const y = rows.findIndex((row) => row.includes(from));
      const x = rows[y].indexOf(from);
      const places = {
        ArrowLeft: [y, x - 1], ArrowRight: [y, x + 1], ArrowUp: [y - 1, x], ArrowDown: [y + 1, x],
        Home: [y, 0], End: [y, rows[y].length - 1],
      };
      const place = places[event.key];
      if (!place) return;
      event.preventDefault();
      const row = rows[Math.min(Math.max(0, place[0]), rows.length - 1)];
      const to = row[Math.min(Math.max(0, place[1]), row.length - 1)];
      if (to) this.reach(to);
    }

    reach(cell) {
      for (const other of this.body.querySelectorAll('button[tabindex="0"]')) other.tabIndex = -1;
      cell.tabIndex = 0;
      cell.focus();
    }
  }

  const places = [...document.querySelectorAll('.trial-grid')];
  const fill = (place) => {
    if (!place.dataset.filled) {
      place.dataset.filled = 'yes';
      new Grid(place);
      place.dispatchEvent(new Event('filled', { bubbles: true }));
    }
  };
  const near = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (entry.isIntersecting) {
        near.unobserve(entry.target);
        fill(entry.target);
      }
    }
  }, { rootMargin: '800px' });
  for (const place of places) near.observe(place);

  // --- The details of a task's trials, opened once.
  const opened = new Map();
  function details(run, task) {
    const id = `details-${run}-${task}`;
    if (!opened.has(id)) opened.set(id, unpack(document.getElementById(id)));
    return opened.get(id);
  }

  async function unpack(element) {
    if (!element) return null;
    const bytes = Uint8Array.from(atob(element.textContent), (character) => character.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
    return JSON.parse(await new Response(stream).text());
  }

  // --- The dialog of one trial.
  const dialog = document.getElementById('trial');
  const title = document.getElementById('trial-title');
  const body = document.getElementById('trial-body');
  let current = null;
  let opener = null;

  async function open(trial, from) {
    if (!trial) return;
    if (!dialog.open) {
      opener = from || null;
      dialog.showModal();
    }
    current = trial;
    if (location.hash !== hashOf(trial)) history.replaceState(null, '', hashOf(trial));
    const card = cardOf(trial);
    title.textContent = `${index.runs[trial.run].tasks[trial.task]}, trial ${trial.number}`;
    const letter = letterOf(trial);
    const head = make('p', { class: 'trial-head' },
      make('span', { class: 'state', 'data-state': letter, 'aria-hidden': 'true' }, signs[letter] || letter),
      ` ${states.get(letter)} · ${card.agent} · ${card.condition}`);
    body.replaceChildren(head, make('p', { class: 'note' }, 'Opening …'));
    document.getElementById('trial-before').disabled = !beside(-1);
    document.getElementById('trial-after').disabled = !beside(1);
    title.focus();
    let task = null;
    try {
      task = await details(trial.run, trial.task);
    } catch (error) {
      body.replaceChildren(head, make('p', {}, 'The details cannot be opened: this browser does not unpack gzip.'));
      return;
    }
    if (current !== trial) return;
    const found = task && task.trials.find((one) => one.card === trial.card && one.number === trial.number);
    body.replaceChildren(head, ...(found ? parts(trial, task, found) : [make('p', {}, 'There is no record of this trial.')]));
    dialog.scrollTop = 0;
  }

  function beside(step) {
    const row = cardOf(current).rows.find((one) => one[0] === current.task);
    const number = current.number + step;
    return row && number >= 1 && number <= row[1].length ? { ...current, number } : null;
  }

  function part(name, summary, open, ...content) {
    return make('details', { class: 'trial-part', 'data-part': name, open }, make('summary', {}, summary), ...content);
  }

  function parts(trial, task, found) {
    const facts = make('dl', { class: 'facts' },
      ...found.facts.map(([name, value]) => make('div', { class: value.length > 24 ? 'long' : undefined }, make('dt', {}, name), make('dd', {}, value))));
    const all = [facts, part('actions', `Actions (${found.codes.length})`, true, timeline(task, found)), compare(trial, task, found)];
    const steps = found.steps || [];
    if (steps.length || found.steps_note) all.push(part('steps', `Conversation (${steps.length} steps)`, false, ...conversation(found)));
    for (const text of found.texts || []) {
      const where = found.place ? `${found.place}/${text.file} in the run directory` : '';
      all.push(part(text.file, `${text.title} (${text.note})`, false,
        make('p', { class: 'note' }, where), text.text ? written(text) : undefined));
    }
    if (!(found.texts || []).length) {
      all.push(make('p', { class: 'note' }, `Patch and verifier output, where there are any, lie in ${found.place} of the run directory.`));
    }
    return all;
  }

  function actionOf(task, code) {
    const [kind, name] = task.actions[code];
    return make('span', { class: 'action', 'data-kind': kind }, make('span', { class: 'kind' }, kind), ' ' + name);
  }

  function timeline(task, found) {
    if (!found.codes.length) return make('p', { class: 'undefined' }, 'No action is recorded.');
    return make('ol', { class: 'timeline' }, ...found.codes.map((code) => make('li', {}, actionOf(task, code))));
  }

  function conversation(found) {
    const steps = (found.steps || []).map((step) => make('li', {}, make('p', { class: 'step-head' }, step.head),
      ...step.parts.map(([name, text]) => make('div', { class: 'step-part' }, make('span', { class: 'kind' }, name),
        make('pre', { tabindex: '0', role: 'group', 'aria-label': name }, text)))));
    const note = found.steps_note ? make('p', { class: 'note' }, `${found.steps_note} in ${found.place} of the run directory.`) : undefined;
    return [make('ol', { class: 'steps' }, ...steps), note].filter(Boolean);
  }

  /** A text; the lines of a patch keep their own marks and get a colour beside them. */
  function written(text) {
    const pre = make('pre', { tabindex: '0', role: 'group', 'aria-label': text.title, class: 'text' });
    if (text.file !== 'patch.diff') {
      pre.textContent = text.text;
      return pre;
    }
    for (const line of text.text.split('\n')) {
      const mark = /^(\+\+\+|---|diff |index )/.test(line) ? 'file' : { '+': 'added', '-': 'removed', '@': 'hunk' }[line[0]];
      pre.append(make('span', { class: 'line', 'data-mark': mark }, line + '\n'));
    }
    return pre;
  }

  // --- Two trials of a task beside each other.
  function compare(trial, task, found) {
    const others = task.trials.filter((one) => one !== found);
    if (!others.length) return make('p', { class: 'note' }, 'There is no other trial of this task to compare with.');
    const cards = index.runs[trial.run].cards;
    const name = (one) => {
      const letter = letterOf({ ...trial, card: one.card, number: one.number });
      const whose = one.card === trial.card ? '' : `${cards[one.card].agent}, ${cards[one.card].condition}: `;
      return `${whose}trial ${one.number}, ${states.get(letter)}`;
    };
    const options = [['', 'none'], ...others.map((one, place) => [String(place), name(one)])];
    const [label, select] = choice('Compare with', options);
    const result = make('div', { class: 'diff' });
    select.addEventListener('change', () => {
      const other = select.value === '' ? null : others[Number(select.value)];
      result.replaceChildren(...(other ? aligned(task, found, other, [`trial ${found.number}`, name(other)]) : []));
    });
    return part('compare', 'Compare its actions with another trial', true, label, result);
  }

  /** Rows of the longest common subsequence: places on the left and on the right, -1 where there is none. */
  function align(left, right) {
    const width = right.length + 1;
    const lengths = new Uint16Array((left.length + 1) * width);
    for (let i = left.length - 1; i >= 0; i -= 1) {
      for (let j = right.length - 1; j >= 0; j -= 1) {
        lengths[i * width + j] = left[i] === right[j] ? lengths[(i + 1) * width + j + 1] + 1
          : Math.max(lengths[(i + 1) * width + j], lengths[i * width + j + 1]);
      }
    }
    const rows = [];
    let i = 0;
    let j = 0;
    while (i < left.length || j < right.length) {
      if (i < left.length && j < right.length && left[i] === right[j]) rows.push([i++, j++]);
      else if (j >= right.length || (i < left.length && lengths[(i + 1) * width + j] >= lengths[i * width + j + 1])) rows.push([i++, -1]);
      else rows.push([-1, j++]);
    }
    return rows;
  }

  function aligned(task, one, other, names) {
    const [left, right] = [one.codes.slice(0, LONGEST), other.codes.slice(0, LONGEST)];
    const rows = align(left, right);
    const same = rows.filter(([i, j]) => i >= 0 && j >= 0).length;
    const cell = (codes, place) => (place < 0 ? make('td', { class: 'absent' }, '') : make('td', {}, actionOf(task, codes[place])));
    const number = (place) => make('td', { class: 'number' }, place < 0 ? '' : String(place + 1));
    const mark = ([i, j]) => (j < 0 ? 'only left' : i < 0 ? 'only right' : 'same');
    const table = make('table', {},
      make('caption', {}, `Actions of ${names[0]} (left) and ${names[1]} (right)`),
      make('thead', {}, make('tr', {}, ...['#', names[0], 'Alignment', names[1], '#'].map((text) => make('th', { scope: 'col' }, text)))),
      make('tbody', {}, ...rows.map((row) => make('tr', { 'data-mark': mark(row) }, number(row[0]), cell(left, row[0]),
        make('td', { class: 'mark' }, mark(row)), cell(right, row[1]), number(row[1])))));
    const cut = one.codes.length > LONGEST || other.codes.length > LONGEST ? ` Only the first ${LONGEST} actions are compared.` : '';
    const said = `${same} actions in common in this order, ${left.length - same} only left, ${right.length - same} only right.${cut}`;
    return [make('p', { role: 'status' }, said),
      make('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Alignment of actions' }, table)];
  }

  document.getElementById('trial-close').addEventListener('click', () => dialog.close());
  document.getElementById('trial-before').addEventListener('click', () => open(beside(-1)));
  document.getElementById('trial-after').addEventListener('click', () => open(beside(1)));
  dialog.addEventListener('click', (event) => { if (event.target === dialog) dialog.close(); });
  dialog.addEventListener('close', () => {
    const left = opener;
    opener = null;
    current = null;
    body.replaceChildren();
    if (trialOf(location.hash)) history.replaceState(null, '', location.pathname + location.search);
    if (left && left.isConnected) left.focus();
  });
  document.addEventListener('click', (event) => {
    const link = event.target.closest('a[href^="#trial="]');
    if (!link) return;
    event.preventDefault();
    open(trialOf(link.getAttribute('href')), link);
  });
  const follow = () => {
    let hash = location.hash;
    try {
      hash = decodeURIComponent(hash);
    } catch (error) {
      // Not encoded, then.
    }
    open(trialOf(hash), null);
  };
  addEventListener('hashchange', follow);
  follow();

  // --- Printing opens what is folded, but for long tables.
  let folded = [];
  addEventListener('beforeprint', () => {
    places.forEach(fill);
    folded = [...document.querySelectorAll('main details:not([open]):not(.long)')];
    for (const one of folded) one.open = true;
  });
  addEventListener('afterprint', () => {
    for (const one of folded) one.open = false;
    folded = [];
  });
})();
