// Upload a file with HttpClient: Upload ADDRESS CLIENT FILE [NOTES], with BULK_IMPORT_TOKEN set.
// .NET 8: dotnet new console, replace Program.cs by this file, then dotnet run -- ADDRESS CLIENT FILE
// Mono:   mcs -r:System.Net.Http,System.Runtime.Serialization,System.Xml,System.Xml.Linq Upload.cs

using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Runtime.Serialization.Json;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using System.Xml;
using System.Xml.Linq;

static class Upload
{
    static readonly int[] Later = { 408, 429, 502, 503, 504 };

    // The service keeps a long response alive, so the time-out is not for the whole import.
    static readonly HttpClient Http = new HttpClient { Timeout = Timeout.InfiniteTimeSpan };

    static async Task<HttpResponseMessage> Send(string url, string path, string notes, string key)
    {
        using (var file = File.OpenRead(path))
        using (var form = new MultipartFormDataContent()) // sets Content-Type with the boundary
        using (var request = new HttpRequestMessage(HttpMethod.Post, url) { Content = form })
        {
            form.Add(new StringContent(notes), "notes");
            form.Add(new StreamContent(file), "file", Path.GetFileName(path)); // once for each file
            request.Headers.Accept.ParseAdd("application/json");
            request.Headers.Authorization = new AuthenticationHeaderValue(
                "Bearer", Environment.GetEnvironmentVariable("BULK_IMPORT_TOKEN"));
            request.Headers.Add("Idempotency-Key", key);
            return await Http.SendAsync(request);
        }
    }

    // Prints the outcome of each project; throws XmlException or IOException if the response was cut off.
    static int Report(int status, string text)
    {
        var answer = status == 207 || status == 409 ? Parse(text) : new XElement("none");
        var details = status == 207 ? answer.Element("details") : answer;
        var errors = details.Element("errors");
        if (errors == null)
        {
            Console.Error.WriteLine("refused with " + status + ": " + text);
            return 2;
        }
        if (status == 207 && (string)answer.Element("complete") != "true")
        {
            throw new IOException("the response was cut off");
        }
        foreach (var item in Items(details.Element("successes")))
        {
            Console.WriteLine("{0} {1} {2}", Of(item, "outcome"), Of(item, "external_id"), Of(item, "name"));
        }
        foreach (var item in Items(errors))
        {
            var called = Of(item, "external_id") ?? Of(item, "file") ?? "-";
            Console.WriteLine(
                "failed {0}, line {1}: {2}, {3}", called, Of(item, "line"), Of(item, "error"), Of(item, "message"));
        }
        Console.WriteLine(Of(answer, "message"));
        return errors.HasElements ? 1 : 0;
    }

    // Both .NET and Mono can read JSON as XML.
    static XElement Parse(string json)
    {
        var bytes = Encoding.UTF8.GetBytes(json);
        return XElement.Load(JsonReaderWriterFactory.CreateJsonReader(bytes, XmlDictionaryReaderQuotas.Max));
    }

    static IEnumerable<XElement> Items(XElement list)
    {
        return list == null ? Enumerable.Empty<XElement>() : list.Elements("item");
    }

    static string Of(XElement item, string name)
    {
        var value = item.Element(name);
        return value == null || (string)value.Attribute("type") == "null" ? null : value.Value;
    }

    static async Task<int> Run(string url, string path, string notes)
    {
        var key = Guid.NewGuid().ToString();
        var wait = 0;
        foreach (var pause in new[] { 1, 2, 4, 8, 16, 32 })
        {
            await Task.Delay(wait * 1000);
            wait = pause;
            try
            {
                using (var response = await Send(url, path, notes, key))
                {
                    var status = (int)response.StatusCode;
                    var text = await response.Content.ReadAsStringAsync();
                    var later = response.Headers.RetryAfter;
                    if (later == null && !Later.Contains(status))
                    {
                        return Report(status, text);
                    }
                    Console.Error.WriteLine(status + " " + text);
                    wait = later != null && later.Delta.HasValue ? (int)later.Delta.Value.TotalSeconds : pause;
                }
            }
            catch (Exception error) when (
                error is HttpRequestException || error is IOException || error is XmlException)
            {
                Console.Error.WriteLine(error.GetBaseException().Message);
            }
        }
        return 2;
    }

    static int Main(string[] args)
    {
        if (args.Length < 3 || string.IsNullOrEmpty(Environment.GetEnvironmentVariable("BULK_IMPORT_TOKEN")))
        {
            Console.Error.WriteLine(
                "usage: Upload ADDRESS CLIENT FILE [NOTES], with the token in BULK_IMPORT_TOKEN");
            return 2;
        }
        var path = args[2];
        if (!File.Exists(path))
        {
            Console.Error.WriteLine(path + " cannot be read");
            return 2;
        }
        var url = args[0] + "/api/v2/clients/" + args[1] + "/projects/bulk";
        return Run(url, path, args.Length > 3 ? args[3] : "").GetAwaiter().GetResult();
    }
}
