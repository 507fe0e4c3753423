"""The one client of OpenAI-compatible chat-completions endpoints: text and frames in, a JSON object that fits its schema out.

    client = Client(Endpoint.parse("http://localhost:8000/v1#Qwen/Qwen3-VL-8B-Instruct"), cache=default_cache())
    client.ask(Question(name="colour", system="You look at pictures.", parts=(Frame(image=image),), schema=COLOUR, version="1")).value

`endpoint` says where to ask and within which bounds, `question` what is asked, `schema` what a reply must fit, `reply` reads a body,
`client` asks, retries and keeps answers, `posting` makes one request, `transport` is its bytes, `log` has a line for every call, `budget`
keeps the sum below the cap, `errors` are the four ways in which there is no answer.

What is shown are our own frames as JPEG data URIs, each after the text "frame 3, t=0.50 s", because servers sample videos by rules of
their own. Every question carries a JSON schema (`response_format` json_schema, strict), and the reply is checked here again, a fence or
thoughts around it taken off: one that does not fit gets one repair, then it is `Unparsed`. A model that declines is `Refused`, an endpoint
that does not serve is `Unreachable`: three failures, never mixed and never an answer. An answer is kept under the hash of model, messages,
pixels, schema, seed, temperature and prompt version, and asking again makes no call. `calls.jsonl` beside the answers has a line for every
reply paid for or failed, with what was said, and the sum never exceeds the cost cap: before a call the most it can cost is held back.
The key is read from the environment when a call is made and goes nowhere else.

Used by `models.guidance` and, with a log of their own and no cache, by the judges in `awbench.judging`.
"""
