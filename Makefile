# Every target first sets up .venv, and needs nothing else.
PYTHON ?=
POSTGRES ?= 16,18

BIN := .venv/bin
CLI := $(BIN)/bulk-import
# Four processes on two cores: tests wait for about as long as they compute.
PARALLEL := -n 4 --dist=worksteal

FAKETIME := /usr/lib/$(shell uname -m)-linux-gnu/faketime/libfaketime.so.1

.DEFAULT_GOAL := help
.PHONY: help setup lint test test-pgbouncer test-citus citus-figures citus-rebalance test-partitioned run demo attacks chaos mutants sanitize bench profile soak figures growth image-check restore-check k8s-check alerts-check clients-check load compare rollout upgrade lock reference docs pictures

help:
	@echo "make demo              import the samples, print the outcomes, and stop"
	@echo "make run               serve on 127.0.0.1:8080 with client 1"
	@echo "make test              lint, check types, and run all tests on PostgreSQL 18, some also on 16 and through PgBouncer"
	@echo "make test-pgbouncer    run all integration tests through PgBouncer, with and without prepared statements"
	@echo "make test-partitioned  run all integration tests on partitioned tables"
	@echo "make test-citus        run the integration tests and the faults on a Citus cluster of three nodes"
	@echo "make attacks           attack a real service, and print responses, memory, CPU and time (8 min; ONLY=name selects)"
	@echo "make chaos             strike the service and PostgreSQL in 18 ways, and prove from an audit that nothing was lost (28 min; QUICK=1: 3 min; SMALL=1: small uploads only, 8 min; HOURS=n; CITUS=1: on a coordinator and two workers)"
	@echo "make mutants           mutate imports and storage, and print the share that the tests notice (an hour; SEED=, MUTANTS=, JOBS=)"
	@echo "make sanitize          read mutated files with the compiled engine under sanitizers and valgrind (12 min; SECONDS=; SEED=n repeats one)"
	@echo "make bench             measure speed, memory and fairness (25 min; QUICK=1: 5 min, fewer measurements; ONLY=name selects)"
	@echo "make profile           count what one small upload costs: calls, tasks, threads, round trips, transactions, CPU (1 min)"
	@echo "make soak              import 200 mixed files into one service, and check for leaks (30 s)"
	@echo "make figures           measure 5 GiB, a million outcomes, an undo, pruning, parallel uploads and a year of nightly imports (35 min)"
	@echo "make growth            measure costs by size of project, by partitions, by replicas and clients, and of each route (25 min)"
	@echo "make citus-figures     measure CPU, statements and connections by node of Citus clusters, and give a large client a node (30 min)"
	@echo "make citus-rebalance   add nodes to a Citus cluster and remove one while clients import, and audit the projects (4 min)"
	@echo "make image-check       build the image, run it read-only, and import files through it (as root, 5 min)"
	@echo "make restore-check     dump, restore, recover to a point in time and upgrade the database of a service, and compare (2 min)"
	@echo "make k8s-check         validate the manifests for three versions of Kubernetes, and test alerts and queries"
	@echo "make alerts-check      make each alert fire by a real event, and none under ordinary load (as root, 3 min; ONLY=namespace selects)"
	@echo "make clients-check     install the languages of docs/clients, and run all nine clients and two generated ones (as root, 9 min)"
	@echo "make load              send a mix of uploads with locust for a minute (HOST=, TOKEN=, CLIENTS= select a running service)"
	@echo "make compare           compare uploads of one project with a usual implementation (3 min)"
	@echo "make rollout           send the mix to three replicas with nginx and PgBouncer, and restart each (4 min)"
	@echo "make upgrade           do the same from the previous schema and its code (PREVIOUS= names a commit)"
	@echo "make lint              check style, types, the Dockerfile and the migrations"
	@echo "make reference         write the tables of docs/ that mirror the code or the schema, and the fields of schema.xsd"
	@echo "make docs              build the documentation as a site into build/site"
	@echo "make pictures          write docs/pictures: each state of the page on a desktop, in dark and on a phone (2 min; ONLY=name selects)"
	@echo "make setup             create .venv (PYTHON=python3.13 selects the interpreter)"
	@echo "make lock              write requirements.lock and requirements-image.lock from pyproject.toml"

setup: .venv/ready

.venv/ready: requirements.lock pyproject.toml setup.py scripts/setup.sh $(wildcard service/formats/engine/_fast/*.p?[ix])
	@scripts/setup.sh $(PYTHON)

lint: setup
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --check --quiet
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/hadolint Dockerfile
	@scripts/squawk.sh

reference: setup
	@$(BIN)/python -m tests.tools.reference
	@RECORD_EXAMPLES=1 $(BIN)/pytest tests/integration/data/test_document.py

docs: setup
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet --config-file tests/tools/site/mkdocs.yml
	@echo "Open build/site/index.html, or serve it: python3 -m http.server --directory build/site"

pictures: setup
	@scripts/debian.sh chromium chromium
	@RECORD_PICTURES=1 $(BIN)/pytest tests/e2e/page/test_states.py $(if $(ONLY),-k "$(ONLY)")

test: lint
	@scripts/debian.sh pgbouncer pgbouncer
	@scripts/debian.sh pg_ctlcluster postgresql
	@scripts/debian.sh chromium chromium
	@scripts/debian.sh curl curl
	@scripts/debian.sh jq jq
	@scripts/debian.sh $(FAKETIME) libfaketime
	@scripts/pytest.sh --postgres=$(POSTGRES) --pooled $(PARALLEL)

test-pgbouncer: setup
	@scripts/debian.sh pgbouncer pgbouncer
	@$(BIN)/pytest --postgres=18+pgbouncer,18+pgbouncer-unprepared $(PARALLEL) tests/integration

# Builds Citus for Debian's PostgreSQL 17 at the first run, as root. PATHS= selects tests.
test-citus: setup
	@scripts/debian.sh $(FAKETIME) libfaketime
	@scripts/citus.sh
	@$(BIN)/pytest --postgres=citus $(PARALLEL) $(or $(PATHS),tests/integration)

test-partitioned: setup
	@$(BIN)/pytest --postgres=16+partitioned,18+partitioned $(PARALLEL) tests/integration

run: setup
	@$(CLI) client add 1 --name Demo --if-missing
	@base="http://127.0.0.1:$${BULK_IMPORT_PORT:-8080}"; \
	if token=$$($(CLI) token --client 1 --scope all); then \
	    echo "Open $$base and sign in with this token, which is for client 1 and all scopes, for 24 hours:"; \
	    printf '\n  %s\n\n' "$$token"; \
	    echo "Or import a file from another terminal:"; \
	    printf '\n  %s\n\n' "curl -F file=@samples/native.xml -H \"Authorization: Bearer \$$($(CLI) token --client 1)\" $$base/api/v2/clients/1/projects/bulk"; \
	fi
	@exec $(CLI) serve

# Port 0 starts a separate service on a free port, even if another service runs.
demo: setup
	@$(CLI) client add 1 --name Demo --if-missing
	@BULK_IMPORT_PORT=0 $(CLI) upload --client 1 samples/native.xml samples/mspdi.xml samples/p6.xml

# On an idle machine; needs some 15 GB in TMPDIR, by default /var/tmp.
bench: setup
	@$(BIN)/python -m tests.tools.bench $(if $(QUICK),--quick) $(ONLY)

profile: setup
	@$(BIN)/python -m tests.tools.bench.profile

attacks: setup
	@$(BIN)/python -m tests.tools.attacks $(ONLY)

# SEED=n ROUNDS=1 repeats one round. LOGS=directory keeps the logs of rounds that fail.
chaos: setup
	@scripts/debian.sh pgbouncer pgbouncer
	@scripts/debian.sh $(FAKETIME) libfaketime
	@$(if $(CITUS),scripts/citus.sh)
	@$(BIN)/python -m tests.tools.chaos $(if $(CITUS),--citus) $(if $(QUICK),--quick) $(if $(SMALL),--small) $(if $(HOURS),--hours $(HOURS)) $(if $(SEED),--seed $(SEED)) $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(LOGS),--logs $(LOGS))

# FILES="service/imports/record.py" mutates these files only.
mutants: setup
	@$(BIN)/python -m tests.tools.mutants $(if $(SEED),--seed $(SEED)) $(if $(MUTANTS),--mutants $(MUTANTS)) \
	    $(if $(JOBS),--jobs $(JOBS)) $(FILES)

sanitize: setup
	@scripts/debian.sh cc gcc libc6-dev
	@scripts/debian.sh valgrind valgrind libc6-dbg
	@$(BIN)/python -m tests.tools.sanitize $(if $(SECONDS),--seconds $(SECONDS)) $(if $(SEED),--seed $(SEED))

soak: setup
	@$(BIN)/python -m tests.tools.bench.soak

# As bench; the first program needs some 20 GB.
figures: setup
	@scripts/debian.sh $(FAKETIME) libfaketime
	@$(BIN)/python -m tests.tools.bench.big
	@$(BIN)/python -m tests.tools.bench.outcomes
	@$(BIN)/python -m tests.tools.bench.undo
	@$(BIN)/python -m tests.tools.bench.pruning
	@$(BIN)/python -m tests.tools.bench.scaling
	@$(BIN)/python -m tests.tools.bench.year

# As bench. CPU seconds are also valid on a busy machine; projects a second are not.
growth: setup
	@$(BIN)/python -m tests.tools.bench.costs
	@$(BIN)/python -m tests.tools.bench.partitions
	@$(BIN)/python -m tests.tools.bench.growth
	@$(BIN)/python -m tests.tools.bench.plans

# As growth.
citus-figures: setup
	@scripts/citus.sh
	@$(BIN)/python -m tests.tools.citus growth
	@$(BIN)/python -m tests.tools.citus tenant

citus-rebalance: setup
	@scripts/citus.sh
	@$(BIN)/python -m tests.tools.citus rebalance

image-check: setup
	@scripts/debian.sh buildah buildah debootstrap netavark
	@$(BIN)/python -m tests.tools.image

restore-check: setup
	@$(BIN)/python -m tests.tools.restore

k8s-check: setup
	@scripts/debian.sh promtool prometheus
	@$(BIN)/pytest tests/integration/k8s
	@$(BIN)/python -m tests.tools.k8s

alerts-check: setup
	@scripts/debian.sh prometheus prometheus
	@$(BIN)/python -m tests.tools.alerts $(ONLY)

clients-check: setup
	@scripts/debian.sh curl curl
	@scripts/debian.sh jq jq
	@scripts/debian.sh node nodejs
	@scripts/debian.sh restclient ruby ruby-rest-client
	@scripts/debian.sh /usr/share/php/GuzzleHttp/autoload.php php-cli php-curl php-guzzlehttp-guzzle
	@scripts/debian.sh /usr/share/java/gson.jar default-jdk-headless libgoogle-gson-java
	@scripts/debian.sh go golang-go
	@scripts/debian.sh mcs mono-mcs mono-runtime libmono-system-net-http4.0-cil \
	    libmono-system-runtime-serialization4.0-cil libmono-system-xml-linq4.0-cil
	@scripts/debian.sh npm npm
	@scripts/generators.sh
	@$(BIN)/pytest -m "" tests/e2e/clients

# Writes build/load/report.html and summary.json.
load: setup
	@$(BIN)/python -m tests.tools.load $(if $(HOST),--host $(HOST) --clients $(or $(CLIENTS),1)) \
	    $(if $(TOKEN),--token $(TOKEN)) $(if $(SECONDS),--seconds $(SECONDS))

compare: setup
	@$(BIN)/python -m tests.tools.load.compare $(if $(SECONDS),--seconds $(SECONDS))

rollout: setup
	@scripts/debian.sh pgbouncer pgbouncer
	@scripts/debian.sh nginx nginx-light
	@$(BIN)/python -m tests.tools.load.replicas $(if $(SECONDS),--seconds $(SECONDS))
	@$(BIN)/python -m tests.tools.load.short_timeout --mib 64 --timeout 2

# Starts from the newest commit without the last migration, or from PREVIOUS, such as v1.2.
upgrade: setup
	@scripts/debian.sh pgbouncer pgbouncer
	@scripts/debian.sh nginx nginx-light
	@$(BIN)/python -m tests.tools.load.replicas --upgrade $(PREVIOUS) $(if $(SECONDS),--seconds $(SECONDS))

# requirements-image.lock has the packages to build and to serve, in the versions of requirements.lock.
lock: setup
	@$(BIN)/uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --quiet \
	    --generate-hashes --no-emit-index-url --no-header --no-annotate --output-file requirements.lock
	@printf 'cython\nsetuptools\nsetuptools-scm\n' | $(BIN)/uv pip compile pyproject.toml - --extra traces --universal --python-version 3.11 --quiet \
	    --generate-hashes --no-emit-index-url --no-header --no-annotate --constraint requirements.lock \
	    --output-file requirements-image.lock
