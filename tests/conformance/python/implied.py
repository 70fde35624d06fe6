"""What a scenario needs by what is in it. Windows and waits are not seen here: for these there are the variants."""

OF_A_STEP = {"unauthorized": "reject", "log_out": "log_out", "set_credentials": "set_credentials", "refresh": "refresh",
             "cancel": "cancel", "interrupt": "interrupt", "wall_clock_jump": "clocks", "store_changed": "store",
             "store_set_back": "set_back", "store_responds_late": "store", "kill": "processes", "stop": "processes", "go_on": "processes"}


def is_request(call):
    return call == "login" or (isinstance(call, dict) and "refresh" in call)


def implied_needs(scenario):
    setup = scenario.get("setup", {})
    needs = {"store"} if "store" in setup else set()
    needs |= {"revoke"} if setup.get("can_revoke") else set()
    needs |= {"lapses"} if setup.get("store", {}).get("guard_lapses") else set()
    needs |= {"settings"} if "timing" in setup else set()
    needs |= {key for key in ("initial", "refresh_without_store") if setup.get(key)}
    needs |= {"sweep"} if "sweep" in scenario else set()
    needs |= {"jwt"} if "jwt" in setup.get("initial", {}) else set()
    for step in scenario["steps"]:
        needs |= implied_by_step(step)
    return needs


def implied_by_step(step):
    do, then = step["do"], step.get("then", {})
    needs = {OF_A_STEP[do]} if do in OF_A_STEP else set()
    requests = [call for call in then.get("calls", []) if is_request(call)]
    if step.get("process", 1) != 1:
        needs.add("processes")
    if step.get("operation") == "guard" or "guarded_by" in then:
        needs.add("guard")
    if step.get("manner") == "panics" or step.get("with") == "panic":
        needs.add("panic")
    if step.get("with") == "inconclusive":
        needs.add("inconclusive")
    if "retry_after" in step:
        needs.add("retry_after")
    if "jwt" in step.get("tokens", {}):
        needs.add("jwt")
    if do == "get" and requests and any(isinstance(outcome, str) for outcome in then.get("got", {}).values()):
        needs.add("background")
    if do == "advance" and (requests or then.get("requests")):
        needs.add("retries")
    return needs
